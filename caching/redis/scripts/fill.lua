-- uses wake.lua
-- Compare-and-set: stores an entry if the lease under which it was loaded still has its token, and ends the lease.
-- Every invalidation deletes the lease, so a value loaded before it is refused. Wakes the waiting readers either way.
--   KEYS  1 lease, 2 entry, 3 number of waiters, 4 list on which the waiters block
--   ARGV  1 token, 2 entry bytes, 3 TTL in ms
--   returns 1 if stored, 0 if refused
local stored = 0
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
  redis.call('DEL', KEYS[1])
  stored = 1
end
wake(KEYS[3], KEYS[4])
return stored
