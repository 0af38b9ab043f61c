"""Reminders: each offer that soon ends is noted once for each end, for the outbox to tell its parties.

The note is an event of the offer, unique by offer and end. So any number of runs may look at once, and an offer that
was extended is reminded of again before its new end, unless its parties were reminded so lately that they still know.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction

from caching.deadlines.table import Deadline
from caching.jobs.work_budget import WorkBudget

# A run's time in seconds. One that does not come to the end of the window begins again a minute later, when what it
# noted costs a look each.
SECONDS = 10.0
_BATCH = 2000
# Reminders that one run notes without a rest, and its rest after each second of work beyond.
_BURST = 10_000
_PAUSE_RATIO = 1.0

# The clock is a subquery so that it is read once and bounds the index. Those that have their reminder are left out
# before the INSERT, which would draw an id for each; one by one (OFFSET 0) and not by reading all reminders. Between
# runs that look at once ON CONFLICT decides. Sorted, or two of them could wait for each other.
# A reminder of an end that is less than the lead before this one will do, or each small extension would have another,
# if somebody has heard it or is just hearing it: one that only waits will be obsolete.
_PAGE = """
    WITH page AS MATERIALIZED (
        SELECT id, expires_at, created_at FROM offers_offer
        WHERE status = 'active' AND {after}
          AND expires_at <= (SELECT clock_timestamp() + make_interval(secs => %(lead)s))
        ORDER BY expires_at, id LIMIT %(limit)s
    ),
    clock AS MATERIALIZED (SELECT clock_timestamp() AS at),
    noted AS (
        INSERT INTO offers_offerevent (offer_id, kind, at, role, expires_at, due_at)
        SELECT page.id, 'reminder', clock.at, 'time', page.expires_at, clock.at FROM page, clock
        WHERE page.expires_at > clock.at
          AND page.created_at <= page.expires_at - make_interval(secs => %(lead)s)
          AND NOT EXISTS (
              SELECT FROM offers_offerevent AS known
              WHERE known.offer_id = page.id AND known.kind = 'reminder'
                AND known.expires_at > page.expires_at - make_interval(secs => %(lead)s)
                AND (known.expires_at = page.expires_at OR known.delivered_at IS NOT NULL OR known.told <> ''
                     OR (known.due_at IS NOT NULL AND known.attempts > 0 AND known.error = ''))
              OFFSET 0
          )
        ORDER BY page.expires_at, page.id
        ON CONFLICT (offer_id, expires_at) WHERE kind = 'reminder' DO NOTHING
        RETURNING id
    )
    SELECT (SELECT count(*) FROM noted), (SELECT count(*) FROM page), last.id, last.expires_at
    FROM (SELECT) AS once LEFT JOIN (SELECT * FROM page ORDER BY expires_at DESC, id DESC LIMIT 1) AS last ON true
"""
_FIRST = _PAGE.format(after="expires_at > (SELECT clock_timestamp())")
# With a lower bound of its own as well, PostgreSQL might begin there and pass over all earlier pages.
_NEXT = _PAGE.format(after="(expires_at, id) > (%(after_at)s, %(after_id)s)")
# PostgreSQL takes the window for small, since it cannot know the clock's bounds, and would rather sort the whole of it
# for each page than follow the index.
_IN_ORDER = "SET LOCAL enable_sort = off"


@dataclass(slots=True)
class ReminderStats:
    """The statistics of a run: reminders noted, offers looked at, and whether it came to the end of the window."""

    recorded: int = 0
    looked_at: int = 0
    finished: bool = False


class PageResult(NamedTuple):
    """What became of a page of the window: reminders noted, offers looked at, and the last of these."""

    recorded: int
    looked_at: int
    last: Deadline | None


def send_offer_reminders(budget: WorkBudget | None = None, batch: int = _BATCH) -> dict[str, Any]:
    """Note a reminder for each live offer that ends within `OFFER_REMINDER_SECONDS`, unless it was reminded of for this
    end, or for one that is less than that time before it.

    An offer that was made with less than that to live is not reminded of: its parties have just heard of it.
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
    """Note what is missing on one page of the window, the one after the offer `last` or the first."""
    values: dict[str, Any] = {"lead": lead, "limit": limit}
    if last is not None:
        values |= {"after_id": last[0], "after_at": last[1]}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_IN_ORDER)
        cursor.execute(_FIRST if last is None else _NEXT, values)
        recorded, looked_at, id, end = cursor.fetchone()
    return PageResult(recorded, looked_at, (id, end) if looked_at else None)
