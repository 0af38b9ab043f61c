"""Reminders: one event for each offer that ends soon, which the outbox delivers to its parties.

A unique index on (offer, end) keeps concurrent runs from recording a reminder twice. An extended offer gets another
one before its new end, unless its parties were reminded only a little earlier.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction

from caching.deadlines import Deadline
from caching.jobs import WorkBudget

# Seconds for a run. A run that does not reach the end of the window starts over a minute later, and then only reads
# the offers that have their reminder.
SECONDS = 10.0
_BATCH = 2000
# Reminders that a run records at full speed, and the pause after each second of work beyond them.
_BURST = 10_000
_PAUSE_RATIO = 1.0

# The clock is a subquery, so that it is read once and can bound the index scan. Offers that have their reminder are
# left out before the INSERT, which would draw an id for each of them. OFFSET 0 makes PostgreSQL look them up one by
# one instead of reading all reminders. ON CONFLICT decides between concurrent runs. They insert in the same order, so
# that they cannot deadlock.
# No reminder if one for an end less than `lead` earlier was delivered or is being delivered: a small extension should
# not remind twice. One still queued does not count, it will be obsolete.
_PAGE = """
    WITH page AS MATERIALIZED (
        SELECT id, expires_at, created_at FROM offers_offer
        WHERE status = 'active' AND {after}
          AND expires_at <= (SELECT clock_timestamp() + make_interval(secs => %(lead)s))
        ORDER BY expires_at, id LIMIT %(limit)s
    ),
    clock AS MATERIALIZED (SELECT clock_timestamp() AS at),
    recorded AS (
        INSERT INTO offers_offerevent (offer_id, kind, at, role, expires_at, due_at)
        SELECT page.id, 'reminder', clock.at, 'time', page.expires_at, clock.at FROM page, clock
        WHERE page.expires_at > clock.at
          AND page.created_at <= page.expires_at - make_interval(secs => %(lead)s)
          AND NOT EXISTS (
              SELECT FROM offers_offerevent AS earlier
              WHERE earlier.offer_id = page.id AND earlier.kind = 'reminder'
                AND earlier.expires_at > page.expires_at - make_interval(secs => %(lead)s)
                AND (earlier.expires_at = page.expires_at OR earlier.delivered_at IS NOT NULL OR earlier.told <> ''
                     OR (earlier.due_at IS NOT NULL AND earlier.attempts > 0 AND earlier.error = ''))
              OFFSET 0
          )
        ORDER BY page.expires_at, page.id
        ON CONFLICT (offer_id, expires_at) WHERE kind = 'reminder' DO NOTHING
        RETURNING id
    )
    SELECT (SELECT count(*) FROM recorded), (SELECT count(*) FROM page), last.id, last.expires_at
    FROM (SELECT) AS once LEFT JOIN (SELECT * FROM page ORDER BY expires_at DESC, id DESC LIMIT 1) AS last ON true
"""
_FIRST = _PAGE.format(after="expires_at > (SELECT clock_timestamp())")
# Without the lower bound of the first page: PostgreSQL might start the scan there and read all earlier pages again.
_NEXT = _PAGE.format(after="(expires_at, id) > (%(after_at)s, %(after_id)s)")
# PostgreSQL cannot estimate a window that is bounded by the clock. It takes it for small, and would sort the whole
# window for each page instead of following the index.
_IN_ORDER = "SET LOCAL enable_sort = off"


@dataclass(slots=True)
class ReminderStats:
    """The statistics of a run: reminders recorded, offers read, and whether it reached the end of the window."""

    recorded: int = 0
    looked_at: int = 0
    finished: bool = False


class PageResult(NamedTuple):
    """The result of one page of the window: reminders recorded, offers read, and the last of these offers."""

    recorded: int
    looked_at: int
    last: Deadline | None


def send_offer_reminders(budget: WorkBudget | None = None, batch: int = _BATCH) -> dict[str, Any]:
    """Record a reminder for each live offer that ends within `OFFER_REMINDER_SECONDS`.

    No reminder if there is one for this end already, or if one for an end less than that time earlier was delivered or
    is being delivered. None either for an offer that was made with a shorter life, since its parties have just seen it.
    """
    lead = settings.OFFER_REMINDER_SECONDS
    stats = ReminderStats(finished=not lead)
    budget = budget or WorkBudget(SECONDS, _BURST, _PAUSE_RATIO)
    last = None
    while not stats.finished and not budget.is_spent:
        with budget.batch(batch):
            page = record_page(lead, batch, last)
        last = page.last
        stats.recorded += page.recorded
        stats.looked_at += page.looked_at
        stats.finished = page.looked_at < batch
    return asdict(stats)


def record_page(lead: float, limit: int, last: Deadline | None = None) -> PageResult:
    """Record the missing reminders of one page of the window: the page after the offer `last`, or the first."""
    values: dict[str, Any] = {"lead": lead, "limit": limit}
    if last is not None:
        values |= {"after_id": last.id, "after_at": last.at}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_IN_ORDER)
        cursor.execute(_FIRST if last is None else _NEXT, values)
        recorded, looked_at, id, end = cursor.fetchone()
    return PageResult(recorded, looked_at, Deadline(end, id) if looked_at else None)
