-- Gives a lease back, if it is still the caller's.
--   KEYS  1 lease
--   ARGV  1 token
--   returns 1 if released, 0 if it was somebody else's or gone
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
