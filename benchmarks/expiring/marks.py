"""Records when offers were marked as expired, by the database's clock, even after their events are delivered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

# That moment is the event's `due_at`, until it is delivered.
_WATCH = """
    CREATE TABLE bench_mark (offer_id bigint, at timestamptz);
    CREATE FUNCTION bench_note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO bench_mark VALUES (NEW.offer_id, NEW.due_at); RETURN NULL; END
    $$;
    CREATE TRIGGER bench_note AFTER INSERT ON offers_offerevent
        FOR EACH ROW WHEN (NEW.kind = 'expired') EXECUTE FUNCTION bench_note();
"""
_LEAVE = """
    DROP TRIGGER bench_note ON offers_offerevent;
    DROP FUNCTION bench_note();
    DROP TABLE bench_mark;
"""
# An offer that is due and has no mark is late by the time since its end.
_LATE = """
    SELECT count(*), count(mark.at), count(*) FILTER (WHERE mark.at < offer.expires_at),
           coalesce(extract(epoch FROM max(coalesce(mark.at, clock_timestamp()) - offer.expires_at)), 0)::float
    FROM offers_offer AS offer LEFT JOIN bench_mark AS mark ON mark.offer_id = offer.id
    WHERE offer.expires_at BETWEEN %s AND (SELECT clock_timestamp())
"""


@dataclass(frozen=True, slots=True)
class Lateness:
    """Offers that have fallen due: their number, those with a mark, those marked before their end, and the lateness of
    the latest in seconds."""

    due: int
    marked: int
    early: int
    seconds: float


@contextmanager
def marks() -> Iterator[None]:
    """Record each mark while the block runs."""
    with connection.cursor() as cursor:
        cursor.execute(_WATCH)
        try:
            yield
        finally:
            cursor.execute(_LEAVE)


def lateness(since: datetime) -> Lateness:
    """Return the lateness of the offers that have fallen due since a moment."""
    with connection.cursor() as cursor:
        cursor.execute(_LATE, [since])
        return Lateness(*cursor.fetchone())
