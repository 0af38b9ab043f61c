-- Compare-and-delete: deletes a key if it still has the value that the caller judged. A key written meanwhile is kept.
--   KEYS  1 key
--   ARGV  1 its first bytes as the caller read them, '' if it was no string, 2 how many bytes to compare at most,
--         3 '1' to delete it only while it has no TTL, else '0'
--   returns the bytes of memory that the key took, or 0 if it was kept
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
-- Some hosts forbid MEMORY; then only the length of the head is known.
return type(size) == 'number' and size or math.max(1, #head)
