"""The whole index of deadlines: its differences from the table, and its removal."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from django.db import connection

from caching.deadlines import DeadlineFamily, to_ms
from caching.redis import client
from offers.deadlines import offer_deadlines

# The most bytes of a member in Redis, with its share of the sorted set.
MEMBER_BYTES = 130
_PAGE = 5000
_ACTIVE = "SELECT id, expires_at FROM offers_offer WHERE status = 'active'"
_SEEN = -1


def differences() -> int:
    """Return the number of active offers that the index has with another deadline or not at all, plus the number of
    its other members. There must be no writes meanwhile."""
    known = {id: to_ms(at) for id, at in _active()}
    wrong, found = 0, 0
    for shard in range(offer_deadlines.shards):
        for id, score in _members(offer_deadlines, shard):
            at = known.get(id) if id is not None else None
            # A scan may return a member twice.
            if at != _SEEN:
                wrong += at is None or at != score
                found += at is not None
            if id is not None and at is not None:
                known[id] = _SEEN
    return wrong + len(known) - found


def drop(family: DeadlineFamily) -> None:
    """Remove an index."""
    client("state").unlink(*(family.key(shard) for shard in range(family.shards)), family.bookmarks_key)


def _members(family: DeadlineFamily, shard: int) -> Iterator[tuple[int | None, float]]:
    cursor = 0
    while True:
        cursor, members = family.scan(shard, cursor, _PAGE)
        for member in members:
            yield family.id_of(member), member.score
        if not cursor:
            return


def _active() -> Iterator[tuple[int, object]]:
    """Yield the deadlines of the table, without holding all rows at once."""
    settings = connection.get_connection_params()
    for name in ("pool", "cursor_factory", "context"):
        settings.pop(name, None)
    with psycopg.connect(**settings) as own, own.cursor(name="active") as cursor:
        own.execute("SET LOCAL statement_timeout = 0")
        cursor.itersize = _PAGE
        cursor.execute(_ACTIVE)
        yield from cursor
