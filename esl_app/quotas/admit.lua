-- Take a place for a leg, if one is free; what the tenant has used so far.
-- KEYS: legs (sorted set: uuid -> end of its lease in ms), facts (hash), day, month (hashes)
-- ARGV: uuid, most (-1: no limit), lease in ms, facts
-- One who has a place keeps it: a standby goes on with the calls of a worker that died.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, uuid in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  redis.call('ZREM', KEYS[1], uuid)
  redis.call('HDEL', KEYS[2], uuid)
end
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
local most = tonumber(ARGV[2])
local verdict = 'new'
if known then
  verdict = 'known'
elseif most >= 0 and redis.call('ZCARD', KEYS[1]) >= most then
  verdict = 'full'
end
if verdict ~= 'full' then
  local lease = tonumber(ARGV[3])
  redis.call('ZADD', KEYS[1], now + lease, ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
  redis.call('PEXPIRE', KEYS[1], lease)
  redis.call('PEXPIRE', KEYS[2], lease)
end
return {verdict,
        redis.call('HMGET', KEYS[3], 'tokens', 'characters', 'cost', 'seeded'),
        redis.call('HMGET', KEYS[4], 'tokens', 'characters', 'cost', 'seeded')}
