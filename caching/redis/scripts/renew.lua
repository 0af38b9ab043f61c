-- Gives a lease its full time again, for a task that begins only now what it was taken for.
--   KEYS  1 lease
--   ARGV  1 token, 2 time to live in ms
--   returns 1 if it still stands, 0 if it is somebody else's or gone
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
