"""Acknowledgement: deletes from Redis the buckets that were applied a while ago.

Each is compared with its ledger row first; docs/decisions/0009 calls that the second look.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from caching import metrics
from caching.counters import bucket_fields, ledger
from caching.counters.buckets import Bucket
from caching.counters.family import CounterFamily
from caching.counters.ledger import LedgerRow

logger = logging.getLogger(__name__)

# Fields that one flush compares in a shard. Without the bound new increments would wait after a long backlog.
_MOST_FIELDS = 400_000


def acknowledge(family: CounterFamily, shard: int, sealed: Sequence[int], known: Mapping[int, LedgerRow]) -> int:
    """Delete buckets that were applied long enough ago and mark them released; return how many had changed.

    `sealed` are the buckets in Redis, `known` their ledger rows by number. A sealed bucket changes only if Redis was
    restored to before the seal and its clock went back as well. Such a bucket is set aside, not deleted, because
    which of its increments were applied before cannot be known.
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
    # Also old rows without a bucket: Redis lost it, or a flusher deleted it and died before it reached this line.
    ledger.mark_released(family.name, shard, sorted(alike | changed | old.difference(sealed)))
    return len(changed)


def _within_bounds(family: CounterFamily, shard: int, numbers: Sequence[int]) -> dict[int, int]:
    """Return the oldest buckets, number to size: at most `_MOST_FIELDS` fields together, or one larger bucket."""
    sizes: dict[int, int] = {}
    for number, size in zip(numbers, family.sizes(shard, numbers), strict=True):
        if sizes and sum(sizes.values()) + size > _MOST_FIELDS:
            break
        sizes[number] = size
    return sizes


def _is_as_applied(bucket: Bucket, row: LedgerRow) -> bool:
    # A bucket without fields does not exist: a flusher deleted it and died before it marked it released.
    if not bucket.increments:
        return True
    found = bucket_fields.parse(bucket)
    return (found.total, len(found.counts)) == (row.total, row.fields)


def _set_aside(family: CounterFamily, shard: int, bucket: Bucket, row: LedgerRow) -> None:
    surplus = bucket_fields.parse(bucket).total - row.total
    # The ledger first: if this process dies in between, the next flush finds the bucket and does both again.
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
