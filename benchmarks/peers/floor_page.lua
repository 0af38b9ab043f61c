-- Reads a feed page whole: its ids, their bodies and their live counts, in one round trip.
--   KEYS  1 ids of the page, 2 prefix of bodies, 3 prefix of live counts
--   returns ids, bodies and live counts, each in the order of the page
local ids, bodies, counts = {}, {}, {}
for id in string.gmatch(redis.call('GET', KEYS[1]), '[^,]+') do
  ids[#ids + 1] = id
  bodies[#ids] = KEYS[2] .. id
  counts[#ids] = KEYS[3] .. id
end
return {ids, redis.call('MGET', unpack(bodies)), redis.call('MGET', unpack(counts))}
