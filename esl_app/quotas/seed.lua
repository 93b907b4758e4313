-- What the database knows of a day and a month that this Redis has no account of; added once.
-- KEYS: day, month. ARGV: tokens, characters, cost of the day, seconds to keep it; the same of the
-- month.
for i = 1, 2 do
  local at = (i - 1) * 4
  if redis.call('HSETNX', KEYS[i], 'seeded', '1') == 1 then
    redis.call('HINCRBY', KEYS[i], 'tokens', ARGV[at + 1])
    redis.call('HINCRBY', KEYS[i], 'characters', ARGV[at + 2])
    redis.call('HINCRBY', KEYS[i], 'cost', ARGV[at + 3])
    redis.call('EXPIRE', KEYS[i], ARGV[at + 4])
  end
end
return {redis.call('HMGET', KEYS[1], 'tokens', 'characters', 'cost', 'seeded'),
        redis.call('HMGET', KEYS[2], 'tokens', 'characters', 'cost', 'seeded')}
