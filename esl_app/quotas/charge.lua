-- Add use to a tenant's day and month, once; what has been used then.
-- KEYS: day, month, applied (hash: worker -> number of its last charge)
-- ARGV: worker, number, tokens, characters, cost, seconds to keep day, month, applied
-- A charge whose answer was lost is sent again under its number and changes nothing.
if tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or 0) < tonumber(ARGV[2]) then
  for i = 1, 2 do
    redis.call('HINCRBY', KEYS[i], 'tokens', ARGV[3])
    redis.call('HINCRBY', KEYS[i], 'characters', ARGV[4])
    redis.call('HINCRBY', KEYS[i], 'cost', ARGV[5])
    redis.call('EXPIRE', KEYS[i], ARGV[5 + i])
  end
  redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
  redis.call('EXPIRE', KEYS[3], ARGV[8])
end
return {redis.call('HMGET', KEYS[1], 'tokens', 'characters', 'cost', 'seeded'),
        redis.call('HMGET', KEYS[2], 'tokens', 'characters', 'cost', 'seeded')}
