-- Seals every bucket whose time is over: from then on nothing can be counted into it, even if a clock is set back.
-- Buckets ahead of the clock were counted while it ran ahead. They are sealed too, or they would wait until the clock
-- reaches them again. Buckets of the ledger are sealed too, in case this Redis has lost the mark.
--   KEYS  1 sealed, 2 bucket index
--   ARGV  1 bucket width in ms, 2 now in ms or '' for Redis' clock, 3 newest bucket in the ledger, -1 if none
--   returns now in ms, and then the names of all sealed buckets that still exist, oldest first
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local current = math.floor(now / ARGV[1])
local sealed = math.max(tonumber(redis.call('GET', KEYS[1])) or -1, current - 1, tonumber(ARGV[3]))
local newest = tonumber(redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2]) or -1
-- A number beyond 2^52 is no bucket of ours, and a double could no longer count up from it.
if newest > current and newest < 4503599627370496 then
  sealed = math.max(sealed, newest)
end
local name = string.format('%.0f', sealed)
-- A full Redis refuses a script's first write if it may take memory; PERSIST takes none. Sealing must not be refused,
-- because the flush that follows frees memory.
redis.call('PERSIST', KEYS[1])
redis.call('SET', KEYS[1], name)
local names = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', name)
table.insert(names, 1, string.format('%.0f', now))
return names
