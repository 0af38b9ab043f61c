-- Restarts the time of a lease, for a task that starts its load some time after the lease was taken.
--   KEYS  1 lease
--   ARGV  1 token, 2 time to live in ms
--   returns 1 if the caller still holds it, else 0
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
