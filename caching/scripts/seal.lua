-- Seals every bucket whose time is over: from now on nothing can be counted into it, whatever any clock does.
--   KEYS  1 sealed, 2 bucket index
--   ARGV  1 bucket width in ms, 2 now in ms or '' for Redis' clock
--   returns the names of all sealed buckets that are still here, oldest first
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local closed = math.floor(now / ARGV[1]) - 1
local sealed = math.max(tonumber(redis.call('GET', KEYS[1])) or -1, closed)
local name = string.format('%.0f', sealed)
redis.call('SET', KEYS[1], name)
return redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', name)
