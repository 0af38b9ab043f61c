-- Deletes a key if it is still what was judged: one that was written meanwhile survives.
--   KEYS  1 key
--   ARGV  1 its first bytes as they were, '' if it is no string, 2 how many bytes that is at most,
--         3 '1' to delete it only while it has no TTL, else '0'
--   returns the bytes of memory that it took, or 0 if it was left alone
local head = redis.pcall('GETRANGE', KEYS[1], 0, ARGV[2] - 1)
if type(head) ~= 'string' then
  head = ''
end
if head ~= ARGV[1] or (ARGV[3] == '1' and redis.call('PTTL', KEYS[1]) ~= -1) then
  return 0
end
local size = redis.pcall('MEMORY', 'USAGE', KEYS[1])
if redis.call('UNLINK', KEYS[1]) == 0 then
  return 0
end
-- Some hosts forbid MEMORY; then the head is all that is known of the size.
return type(size) == 'number' and size or math.max(1, #head)
