-- uses wake.lua
-- Ends a lease after a load that failed, if the caller still holds it, and wakes the waiting readers.
--   KEYS  1 lease, 2 number of waiters, 3 list on which the waiters block
--   ARGV  1 token, 2 backoff of the loader in ms, in which the lease cannot be taken (0 for none)
--   returns 1 if ended, 0 if the caller no longer held it
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], 'x', 'PX', ARGV[2])
end
wake(KEYS[2], KEYS[3])
return 1
