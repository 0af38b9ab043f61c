"""What the layer counts of itself, for Prometheus. Labels are namespaces and causes, so they stay few."""

from __future__ import annotations

from prometheus_client import Counter

READS = Counter("cache_reads", "Keys read, by what was found.", ["namespace", "result"])
FILLS = Counter("cache_fills", "Entries offered for storing, by whether they were stored.", ["namespace", "result"])
BAD_ENTRIES = Counter("cache_bad_entries", "Entries that could not be read and count as misses.", ["namespace"])
INVALIDATIONS = Counter("cache_invalidations", "Keys invalidated.", ["namespace"])
REDIS_FAILURES = Counter("cache_redis_failures", "Calls that Redis did not answer, by operation.", ["operation"])
ENQUEUE_FAILURES = Counter("cache_enqueue_failures", "Tasks that the broker did not take.", ["task"])
VIEWS_REFUSED = Counter("counter_increments_refused", "Increments that nothing could accept.", ["family"])
