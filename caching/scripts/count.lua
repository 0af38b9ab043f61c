-- Counts into the bucket of this moment and returns the live count. An id whose live count is not known is not
-- counted, unless the call brings what makes it known: the total in PostgreSQL and the buckets already in it.
-- The bucket is the batch's identity: it is decided here, by Redis' clock, and never lies in a sealed bucket.
--   KEYS  1 live count, 2 sealed, 3 bucket index, 4 prefix of the bucket hashes (same slot)
--   ARGV  1 id, 2 amount (0 to count nothing), 3 bucket width in ms, 4 now in ms or '' for Redis' clock
--         and to seed: 5 total in PostgreSQL, 6 TTL of the live count in ms, 7.. the applied buckets
--   returns the live count after counting, or nil if it is not known and nothing was counted
local id, amount = ARGV[1], tonumber(ARGV[2])
local live = redis.pcall('GET', KEYS[1])
-- More than fifteen digits, or a key of another type, is rubbish like any other, and INCRBY would fail on it.
if not (type(live) == 'string' and #live <= 15 and live:match('^%d+$')) then
  if not ARGV[5] then
    return false
  end
  local applied = {}
  for i = 7, #ARGV do
    applied[ARGV[i]] = true
  end
  live = tonumber(ARGV[5])
  for _, name in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    if not applied[name] then
      live = live + (tonumber(redis.call('HGET', KEYS[4] .. name, id)) or 0)
    end
  end
  redis.call('SET', KEYS[1], string.format('%.0f', live), 'PX', ARGV[6])
end
if amount == 0 then
  return tonumber(live)
end
local now = tonumber(ARGV[4])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local bucket = math.max(math.floor(now / ARGV[3]), (tonumber(redis.call('GET', KEYS[2])) or -1) + 1)
local name = string.format('%.0f', bucket)
if redis.call('HINCRBY', KEYS[4] .. name, id, amount) == amount then
  redis.call('ZADD', KEYS[3], bucket, name)
end
return redis.call('INCRBY', KEYS[1], amount)
