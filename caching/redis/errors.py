"""The errors of Redis, and whether a command that failed may have run."""

from __future__ import annotations

import redis

# A caller can handle these by going to PostgreSQL: Redis is unreachable, too slow, out of memory or loading.
REDIS_ERRORS = (redis.ConnectionError, redis.TimeoutError, redis.ResponseError, redis.InvalidResponse)


class NotSent(redis.ConnectionError):
    """Redis was not reached, so nothing was sent and nothing ran."""


class BreakerOpen(NotSent):
    """Nothing was sent, because Redis has failed and has not answered a probe yet."""


_NOT_RUN = (NotSent, redis.MaxConnectionsError, redis.BusyLoadingError, redis.ResponseError)


def may_have_run(error: redis.RedisError) -> bool:
    """Return whether commands that ended in `error` may have run.

    After a lost reply that is unknown. A command that was never sent did not run, nor did one that Redis answered with
    an error (out of memory, read-only, loading): a script of ours either counts or fails before its first write.
    """
    return not isinstance(error, _NOT_RUN)
