-- Renew the leases of one worker's legs of one tenant; what the tenant has used so far.
-- KEYS: legs, facts, day, month. ARGV: lease in ms, then uuid and facts of each leg.
-- No limit is asked: these calls are up, and after a lost Redis this is how they are counted again.
local time = redis.call('TIME')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
for i = 2, #ARGV, 2 do
  redis.call('ZADD', KEYS[1], ends, ARGV[i])
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return {redis.call('HMGET', KEYS[3], 'tokens', 'characters', 'cost', 'seeded'),
        redis.call('HMGET', KEYS[4], 'tokens', 'characters', 'cost', 'seeded')}
