"""When offers were marked as expired, by the database's clock, whatever becomes of the events that say so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

# The event's `due_at` is that moment, until somebody outside was told.
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
# One that is due and has no mark is as late as it is old.
_LATE = """
    SELECT count(*), count(mark.at), count(*) FILTER (WHERE mark.at < offer.expires_at),
           coalesce(extract(epoch FROM max(coalesce(mark.at, clock_timestamp()) - offer.expires_at)), 0)::float
    FROM offers_offer AS offer LEFT JOIN bench_mark AS mark ON mark.offer_id = offer.id
    WHERE offer.expires_at BETWEEN %s AND (SELECT clock_timestamp())
"""


@dataclass(frozen=True, slots=True)
class Lateness:
    """Of offers that have fallen due: how many, how many have a mark, those whose mark came before their end, and how
    late the latest is in seconds."""

    due: int
    marked: int
    early: int
    seconds: float


@contextmanager
def marks() -> Iterator[None]:
    """Have each mark noted, as long as this lasts."""
    with connection.cursor() as cursor:
        cursor.execute(_WATCH)
        try:
            yield
        finally:
            cursor.execute(_LEAVE)


def lateness(since: datetime) -> Lateness:
    """Return it for the offers that have fallen due since a moment."""
    with connection.cursor() as cursor:
        cursor.execute(_LATE, [since])
        return Lateness(*cursor.fetchone())
