-- Stores an entry if the lease under which it was loaded still stands, and ends the lease.
-- Every invalidation deletes the lease, so a value loaded before it finds no token and is refused.
--   KEYS  1 lease, 2 entry
--   ARGV  1 token, 2 entry bytes, 3 TTL in ms
--   returns 1 if stored, 0 if refused
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[1])
return 1
