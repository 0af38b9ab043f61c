-- Takes the lease of a key for whoever is going to load it.
-- A task in the background may never run, so whoever loads while somebody waits takes its lease over; the task's
-- fill is then refused like any other that lost its lease.
--   KEYS  1 lease
--   ARGV  1 token, which begins with 'b' for the background, 2 time to live in ms
--   returns 1 if taken, 0 if somebody else holds it
local holder = redis.call('GET', KEYS[1])
if holder and (holder:sub(1, 1) ~= 'b' or ARGV[1]:sub(1, 1) == 'b') then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
