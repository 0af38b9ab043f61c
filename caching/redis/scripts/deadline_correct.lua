-- Corrects members of a deadline index by compare-and-set: a member gets the score that the table says, or is removed,
-- only while its score is still the one that the caller saw. A member that another process has moved is left alone.
--   KEYS  1 index (sorted set)
--   ARGV  triples of member, score seen ('' if it was absent), score to set ('' to remove)
--   returns {moved, removed}; a member that was absent and is added counts as moved
local moved, removed = 0, 0
for i = 1, #ARGV, 3 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  -- An absent score is false, and '' is no number.
  if (score and tonumber(score)) == (ARGV[i + 1] ~= '' and tonumber(ARGV[i + 1])) then
    if ARGV[i + 2] == '' then
      removed = removed + redis.call('ZREM', KEYS[1], ARGV[i])
    else
      moved = moved + redis.call('ZADD', KEYS[1], 'CH', ARGV[i + 2], ARGV[i])
    end
  end
end
return {moved, removed}
