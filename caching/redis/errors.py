"""What Redis raises, and whether commands that failed may have run all the same."""

from __future__ import annotations

import redis

# What a caller can handle by going to PostgreSQL: Redis unreachable, too slow, out of memory or loading.
REDIS_ERRORS = (redis.ConnectionError, redis.TimeoutError, redis.ResponseError, redis.InvalidResponse)


class NotSent(redis.ConnectionError):
    """Redis was not reached, so nothing was sent and nothing ran."""


class BreakerOpen(NotSent):
    """Redis was not asked, because it did not answer a moment ago."""


_NOT_RUN = (NotSent, redis.MaxConnectionsError, redis.BusyLoadingError, redis.ResponseError)


def may_have_run(error: redis.RedisError) -> bool:
    """Return whether commands may have run although Redis did not say so.

    A lost reply is unknown, not a failure. What was never sent did not run, nor did what Redis answered with an error
    (out of memory, read-only, loading): a script of ours either counts or fails before its first write.
    """
    return not isinstance(error, _NOT_RUN)
