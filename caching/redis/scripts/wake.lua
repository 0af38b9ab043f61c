-- Wakes the readers that wait for a lease: one element on their list for each, at most a thousand.
local function wake(number_of_waiters, list)
  local waiters = tonumber(redis.call('GET', number_of_waiters) or 0) or 0
  if waiters > 0 then
    redis.call('DEL', number_of_waiters)
    for _ = 1, math.min(waiters, 1000) do
      redis.call('RPUSH', list, '1')
    end
    redis.call('PEXPIRE', list, 1000)
  end
end
