"""The layer's own Prometheus metrics. Labels are namespaces and causes, so there are few series."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

READS = Counter("cache_reads", "Keys read, by what was found.", ["namespace", "result"])
FILLS = Counter("cache_fills", "Entries offered for storing, by whether they were stored.", ["namespace", "result"])
BAD_ENTRIES = Counter("cache_bad_entries", "Entries that could not be read and count as misses.", ["namespace"])
INVALIDATIONS = Counter("cache_invalidations", "Keys invalidated.", ["namespace"])
REDIS_FAILURES = Counter("cache_redis_failures", "Calls that Redis did not answer, by operation.", ["operation"])
ENQUEUE_FAILURES = Counter("cache_enqueue_failures", "Tasks that the broker did not take.", ["task"])
INCREMENTS_REFUSED = Counter(
    "counter_increments_refused", "Increments that were refused, by reason.", ["family", "reason"]
)
SPILLED = Counter("counter_increments_spilled", "Increments that PostgreSQL accepted while Redis was away.", ["family"])
BUCKETS_CHANGED = Counter("counter_buckets_changed", "Buckets that changed after they were applied.", ["family"])
MEMORY_LOST = Counter("counter_memory_lost", "Times that Redis had lost what the ledger records.", ["family"])
BREAKER_OPENED = Counter("cache_breaker_opened", "Times that a Redis failed and its breaker opened.", ["server"])
BREAKERS_OPEN = Gauge(
    "cache_breakers_open", "Breakers that are open now, in all processes.", ["server"], multiprocess_mode="livesum"
)
WAITS = Counter("cache_lease_waits", "Times that a reader waited for another loader.", ["namespace"])
BACKED_OFF = Counter("cache_loads_backed_off", "Reads refused because the loader has just failed.", ["namespace"])
JOURNALED = Counter("cache_invalidations_replayed", "Journaled invalidations that were replayed.", ["namespace"])
EARLY = Counter("cache_early_refreshes", "Entries that a reader refreshed, as no worker seemed to run.", ["namespace"])
