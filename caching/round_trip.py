"""One round trip to Redis for an entry and the counters beside it; two where cache and state are two servers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from caching import metrics
from caching.connections import RedisUnavailable, Role, client, one_server
from caching.scripts import Script, run

logger = logging.getLogger(__name__)

Queue = Callable[[Any], None]


class Commands(NamedTuple):
    """Commands for one role: how to queue them on a pipeline, and which scripts they call."""

    queue: Queue
    scripts: list[Script]


class Answers(NamedTuple):
    """What each role answered, in the order of its commands; None if its server did not, and then nobody knows
    whether they ran."""

    cache: list[Any] | None
    state: list[Any] | None


def round_trip(operation: str, cache: Commands, state: Commands | None = None) -> Answers:
    """Run commands of both roles, together where they are one server; `operation` names them in metrics and logs."""
    if state is None:
        answers = _run(operation, "cache", cache)
        return Answers(answers, None if answers is None else [])
    if not one_server():
        return Answers(_run(operation, "cache", cache), _run(operation, "state", state))
    pipeline = client("cache").pipeline(transaction=False)
    cache.queue(pipeline)
    size = len(pipeline)
    state.queue(pipeline)
    together = _execute(operation, "cache", pipeline, cache.scripts + state.scripts)
    return Answers(None, None) if together is None else Answers(together[:size], together[size:])


def _run(operation: str, role: Role, commands: Commands) -> list[Any] | None:
    pipeline = client(role).pipeline(transaction=False)
    commands.queue(pipeline)
    return _execute(operation, role, pipeline, commands.scripts)


def _execute(operation: str, role: Role, pipeline: Any, scripts: list[Script]) -> list[Any] | None:
    if not len(pipeline):
        return []
    try:
        return run(client(role), pipeline, scripts)
    except RedisUnavailable as error:
        metrics.REDIS_FAILURES.labels(operation).inc()
        logger.warning("Redis did not answer %s: %s", operation, error)
        return None
