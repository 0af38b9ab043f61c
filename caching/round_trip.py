"""One round trip to Redis for an entry and the counters beside it; two where cache and state are two servers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from caching import metrics
from caching.breaker import BreakerOpen
from caching.connections import RedisUnavailable, Role, one_server, pool
from caching.scripts import Command

logger = logging.getLogger(__name__)


class Answers(NamedTuple):
    """What each role answered, in the order of its commands; None if its server did not, and then nobody knows
    whether they ran."""

    cache: list[Any] | None
    state: list[Any] | None


def round_trip(operation: str, cache: Sequence[Command], state: Sequence[Command] = ()) -> Answers:
    """Run commands of both roles, together where they are one server; `operation` names them in metrics and logs."""
    if not state:
        return Answers(_call(operation, "cache", cache), [])
    if not one_server():
        return Answers(_call(operation, "cache", cache), _call(operation, "state", state))
    together = _call(operation, "cache", [*cache, *state])
    if together is None:
        return Answers(None, None)
    return Answers(together[: len(cache)], together[len(cache) :])


def _call(operation: str, role: Role, commands: Sequence[Command]) -> list[Any] | None:
    if not commands:
        return []
    try:
        return pool(role).call(commands)
    except RedisUnavailable as error:
        metrics.REDIS_FAILURES.labels(operation).inc()
        if not isinstance(error, BreakerOpen):
            logger.warning("Redis did not answer %s: %s", operation, error)
        return None
