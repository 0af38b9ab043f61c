-- Counts an id into the current bucket and returns its live count. An id whose live count is unknown is not counted,
-- unless the call seeds it with the total in PostgreSQL and the buckets that this total includes.
-- The bucket identifies the batch (docs/decisions/0001): it is chosen here, by Redis' clock, and is never a sealed one.
-- The script counts, or it fails before it has counted: an error reply means that nothing was counted.
--   KEYS  1 live count, 2 sealed, 3 bucket index, 4 prefix of the bucket hashes (same slot)
--         and for a visitor: 5 mark that it was counted, 6 the day's unique visitors (HyperLogLog)
--   ARGV  1 id, 2 amount (0 to count nothing), 3 bucket width in ms, 4 now in ms or '' for Redis' clock
--         and for a visitor: 5 visitor, 6 ms within which it counts once ('0' for every time),
--                            7 ms for which the day's visitors are kept ('0' to keep none)
--         and to seed, after these: total in PostgreSQL, TTL of the live count in ms, the buckets in that total
--   returns the live count after counting, or nil if it is unknown and nothing was counted
local id, amount = ARGV[1], tonumber(ARGV[2])
local seed = KEYS[5] and 8 or 5
local live = redis.pcall('GET', KEYS[1])
-- A value of more than fifteen digits, with a leading zero, or of another type is damaged: INCRBY could fail on it.
if not (type(live) == 'string' and #live <= 15 and (live == '0' or live:match('^[1-9]%d*$'))) then
  if not ARGV[seed] then
    return false
  end
  local applied = {}
  for i = seed + 2, #ARGV do
    applied[ARGV[i]] = true
  end
  live = tonumber(ARGV[seed])
  for _, name in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    if not applied[name] then
      live = live + (tonumber(redis.call('HGET', KEYS[4] .. name, id)) or 0)
    end
  end
  local kept = redis.pcall('SET', KEYS[1], string.format('%.0f', live), 'PX', ARGV[seed + 1])
  -- A Redis that refuses writes can still return a live count, if the call counts nothing.
  if kept.err and amount > 0 then
    return kept
  end
end
live = tonumber(live)
if live + amount > 999999999999999 then
  return redis.error_reply('ERR the count would overflow')
end
if KEYS[5] and amount > 0 then
  if ARGV[7] ~= '0' then
    local added = redis.pcall('PFADD', KEYS[6], ARGV[5])
    if type(added) == 'table' then
      -- A damaged HyperLogLog is replaced; the increment is not refused for it. After any other error, such as a full
      -- memory, the whole call is refused.
      if not (added.err:find('WRONGTYPE') or added.err:find('INVALIDOBJ') or added.err:find('HyperLogLog')) then
        return added
      end
      redis.call('DEL', KEYS[6])
      redis.call('PFADD', KEYS[6], ARGV[5])
    end
    redis.call('PEXPIRE', KEYS[6], ARGV[7])
  end
  if ARGV[6] ~= '0' and not redis.call('SET', KEYS[5], '1', 'NX', 'PX', ARGV[6]) then
    return live
  end
end
if amount == 0 then
  return live
end
local now = tonumber(ARGV[4])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local bucket = math.floor(now / ARGV[3])
-- There are as many buckets as an hour has only if no flush runs. From then on each hour has one bucket, so that memory
-- grows by the ids of an hour, not by those of every bucket.
local per_hour = math.floor(3600000 / ARGV[3])
if redis.call('ZCARD', KEYS[3]) >= per_hour then
  bucket = math.floor(now / 3600000) * per_hour
end
bucket = math.max(bucket, (tonumber(redis.call('GET', KEYS[2])) or -1) + 1)
local name = string.format('%.0f', bucket)
if redis.call('HINCRBY', KEYS[4] .. name, id, amount) == amount then
  redis.call('ZADD', KEYS[3], bucket, name)
end
return redis.call('INCRBY', KEYS[1], amount)
