-- Seals every bucket whose time is over: from now on nothing can be counted into it, whatever any clock does.
-- Buckets ahead of the clock were counted while it ran ahead; they are sealed too, or they would wait until it is
-- there again. And what the ledger has is sealed, should this Redis have forgotten that.
--   KEYS  1 sealed, 2 bucket index
--   ARGV  1 bucket width in ms, 2 now in ms or '' for Redis' clock, 3 newest bucket in the ledger, -1 if none
--   returns now in ms, and then the names of all sealed buckets that are still here, oldest first
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local current = math.floor(now / ARGV[1])
local sealed = math.max(tonumber(redis.call('GET', KEYS[1])) or -1, current - 1, tonumber(ARGV[3]))
local newest = tonumber(redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2]) or -1
-- Beyond 2^52 it is no bucket of ours, and numbers would stop counting on.
if newest > current and newest < 4503599627370496 then
  sealed = math.max(sealed, newest)
end
local name = string.format('%.0f', sealed)
-- A full Redis refuses a script's first write if it may take memory, and flushing is what frees some.
redis.call('PERSIST', KEYS[1])
redis.call('SET', KEYS[1], name)
local names = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', name)
table.insert(names, 1, string.format('%.0f', now))
return names
