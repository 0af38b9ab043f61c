"""Parses the fields of a bucket into increments and poison (all other fields), and stores what cannot be applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from caching.counters.buckets import Bucket
from caching.ids import row_id

# A larger value is rubbish. The sum of millions of values up to this one still fits a bigint.
_MOST = 10**12
_MOST_DIGITS = len(str(_MOST))
# Fields of poison that are stored for each bucket; more are only counted.
_KEPT = 100
# Characters that are stored of each field and value.
_SHOWN = 200


class ParsedBucket(NamedTuple):
    """The increments of a bucket by id, and its poison: fields that are no id with a positive number."""

    counts: dict[int, int]
    poison: dict[bytes, bytes]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def parse(bucket: Bucket) -> ParsedBucket:
    """Split the fields of a bucket into increments and poison."""
    counts: dict[int, int] = {}
    poison: dict[bytes, bytes] = {}
    for field, value in bucket.increments.items():
        id = row_id(field)
        amount = int(value) if value.isdigit() and len(value) <= _MOST_DIGITS else 0
        if id is not None and 0 < amount <= _MOST:
            counts[id] = amount
        else:
            poison[field] = value
    return ParsedBucket(counts, poison)


def set_aside_poison(family: str, shard: int, poison: Mapping[int, Mapping[bytes, bytes]]) -> None:
    """Store the poison of buckets, given by number, as `CounterField` rows for a person to inspect."""
    for number, fields in poison.items():
        kept = list(fields.items())[:_KEPT]
        _keep(family, shard, number, "poison", ((_text(field), _text(value)) for field, value in kept))


def set_aside_overflow(family: str, shard: int, bucket: int, amounts: Mapping[int, int]) -> None:
    """Store increments by id, whose totals had no room for them, as `CounterField` rows."""
    _keep(family, shard, bucket, "overflow", ((str(id), str(amount)) for id, amount in amounts.items()))


def _keep(family: str, shard: int, bucket: int, reason: str, fields: Iterable[tuple[str, str]]) -> None:
    from caching.models import CounterField

    where = {"family": family, "shard": shard, "bucket": bucket, "reason": reason}
    rows = (CounterField(field=field, value=value, **where) for field, value in fields)
    CounterField.objects.bulk_create(rows, batch_size=1000)


def _text(raw: bytes) -> str:
    """Return bytes as text that PostgreSQL accepts, shortened."""
    return raw[:_SHOWN].decode("ascii", "backslashreplace").replace("\0", "\\x00")[:_SHOWN]
