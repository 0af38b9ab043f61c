"""One round trip to Redis for an entry and the counters beside it; two where cache and state are two servers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import redis

from caching import metrics
from caching.redis.connections import Role, one_server, pool
from caching.redis.errors import REDIS_ERRORS, BreakerOpen, may_have_run
from caching.redis.scripts import Command

logger = logging.getLogger(__name__)


class Replies(NamedTuple):
    """Each role's replies, in the order of its commands; None if its server did not answer, or refused one of them.

    `unknown` is True if commands of the state may have run although there is no reply.
    """

    cache: list[Any] | None
    state: list[Any] | None
    unknown: bool = False


def round_trip(operation: str, cache: Sequence[Command], state: Sequence[Command] = ()) -> Replies:
    """Run commands of both roles, together where they are one server; `operation` names them in metrics and logs.

    Errors of Redis are logged and counted, not raised.
    """
    if not state:
        return Replies(_whole(operation, _send(operation, "cache", cache)[0]), [])
    cached: list[Any] | None
    counted: list[Any] | None
    if one_server():
        replies, unknown = _send(operation, "cache", [*cache, *state])
        if replies is None:
            return Replies(None, None, unknown)
        cached, counted = replies[: len(cache)], replies[len(cache) :]
    else:
        cached, _ = _send(operation, "cache", cache)
        counted, unknown = _send(operation, "state", state)
    accepted = _whole(operation, counted)
    if accepted is None and counted is not None:
        # An error reply proves that its own command did not run; of the others nothing is known.
        unknown = len(counted) > 1
    return Replies(_whole(operation, cached), accepted, unknown)


def _send(operation: str, role: Role, commands: Sequence[Command]) -> tuple[list[Any] | None, bool]:
    """Return the replies, with errors in their places, and False; or None, and whether the commands may have run."""
    if not commands:
        return [], False
    try:
        return pool(role).ask(commands), False
    except REDIS_ERRORS as error:
        _note(operation, error)
        return None, may_have_run(error)


def _whole(operation: str, replies: list[Any] | None) -> list[Any] | None:
    """Return the replies, or None if there is an error among them."""
    for reply in replies or ():
        if isinstance(reply, redis.RedisError):
            _note(operation, reply)
            return None
    return replies


def _note(operation: str, error: redis.RedisError) -> None:
    metrics.REDIS_FAILURES.labels(operation).inc()
    if not isinstance(error, BreakerOpen):
        logger.warning("Redis did not answer %s: %s", operation, error)
