"""Write-behind counters: increments gather in Redis and reach PostgreSQL once each.

A family is registered once. A loader reads totals with the columns `SPILLED` and `APPLIED_BUCKETS`, and a job calls
`flush(family, apply)`. `caching.Resource.increment` counts, and a read counts on its round trip.
"""

from __future__ import annotations

from caching.counters.application import Applied, Apply, FlushStats
from caching.counters.backlog import Backlog, last_flush, measure_backlog, waiting_buckets, waiting_fields
from caching.counters.family import MAX_COUNT, CounterFamily, Visit, families, register
from caching.counters.flushing import flush
from caching.counters.ledger import APPLIED_BUCKETS, parse_applied
from caching.counters.spill import SPILLED

__all__ = [
    "APPLIED_BUCKETS",
    "MAX_COUNT",
    "SPILLED",
    "Applied",
    "Apply",
    "Backlog",
    "CounterFamily",
    "FlushStats",
    "Visit",
    "families",
    "flush",
    "last_flush",
    "measure_backlog",
    "parse_applied",
    "register",
    "waiting_buckets",
    "waiting_fields",
]
