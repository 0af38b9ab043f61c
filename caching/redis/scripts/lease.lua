-- Takes the lease of a key for the caller, which is going to load it.
-- A background task may never run, so a reader takes its lease over; the task's fill is then refused, like any other
-- that lost its lease.
--   KEYS  1 lease, 2 number of waiters, 3 entry
--   ARGV  1 token, which begins with 'b' for the background and 'r' for a reader, 2 time to live in ms,
--         3 ms for which the caller would wait to be woken, 0 if it would not wait,
--         4 '1' if the caller's read found no entry at all: one that is there now was filled since
--   returns 1 if taken, 0 if another caller holds it, 2 if the entry was filled since, or -ms while the loader is
--   backed off after a failure
if ARGV[4] == '1' and redis.call('TYPE', KEYS[3]).ok == 'string' then
  return 2
end
local holder = redis.pcall('GET', KEYS[1])
if type(holder) == 'string' then
  local kind = holder:sub(1, 1)
  if kind == 'x' then
    return -math.max(1, redis.call('PTTL', KEYS[1]))
  end
  if kind ~= 'b' or ARGV[1]:sub(1, 1) == 'b' then
    if ARGV[3] ~= '0' then
      redis.call('INCR', KEYS[2])
      redis.call('PEXPIRE', KEYS[2], ARGV[3])
    end
    return 0
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
