"""Letting Redis forget buckets that were applied a while ago, after a second look at each."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from caching import metrics
from caching.counters import bucket_fields, ledger
from caching.counters.buckets import Bucket
from caching.counters.family import CounterFamily
from caching.counters.ledger import LedgerRow

logger = logging.getLogger(__name__)

# Fields that one flush looks at again in a shard, so that after a long backlog new views need not wait for it.
_MOST_FIELDS = 400_000


def acknowledge(family: CounterFamily, shard: int, sealed: Sequence[int], known: Mapping[int, LedgerRow]) -> int:
    """Delete buckets that Redis has kept for long enough, then say so in the ledger; return how many had changed.

    What changed after it was applied was counted into a bucket that was sealed once: by a Redis that was restored to
    before the seal and whose clock went back as well. It is set aside, not deleted. What of it was applied
    before nobody can tell.
    """
    old = {number for number, row in known.items() if row.old}
    looked_at = _within_bounds(family, shard, sorted(old.intersection(sealed)))
    changed = set()
    for bucket in family.read(shard, looked_at):
        if not _is_as_applied(bucket, known[bucket.number]):
            _set_aside(family, shard, bucket, known[bucket.number])
            changed.add(bucket.number)
    alike = looked_at.keys() - changed
    family.delete(shard, sorted(alike))
    # With those that Redis lost by itself, or that a flusher deleted just before it died.
    ledger.mark_released(family.name, shard, sorted(alike | changed | old.difference(sealed)))
    return len(changed)


def _within_bounds(family: CounterFamily, shard: int, numbers: Sequence[int]) -> dict[int, int]:
    """Return the oldest buckets with their sizes, as many as one flush should look at."""
    sizes: dict[int, int] = {}
    for number, size in zip(numbers, family.sizes(shard, numbers), strict=True):
        if sizes and sum(sizes.values()) + size > _MOST_FIELDS:
            break
        sizes[number] = size
    return sizes


def _is_as_applied(bucket: Bucket, row: LedgerRow) -> bool:
    # One without fields was deleted by a flusher that died before it could say so.
    if not bucket.increments:
        return True
    found = bucket_fields.parse(bucket)
    return (found.total, len(found.counts)) == (row.total, row.fields)


def _set_aside(family: CounterFamily, shard: int, bucket: Bucket, row: LedgerRow) -> None:
    surplus = bucket_fields.parse(bucket).total - row.total
    # Noted first: a bucket that was noted and is still there is noted once more.
    ledger.record_surplus(family.name, shard, bucket.number, surplus)
    family.set_aside(shard, bucket.number)
    metrics.BUCKETS_CHANGED.labels(family.name).inc()
    logger.error(
        "bucket %d of %s:%d changed after it was applied: its sum is now %+d; it was set aside",
        bucket.number,
        family.name,
        shard,
        surplus,
    )
