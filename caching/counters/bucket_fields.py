"""The fields of a bucket, taken apart into increments and what is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from caching.counters.buckets import Bucket
from caching.ids import row_id

# A field that holds more in a few seconds is rubbish; so many of these would still fit a sum.
_MOST = 10**12
_MOST_DIGITS = len(str(_MOST))
# Rubbish of one bucket that is kept to be looked at; the rest is only counted.
_KEPT = 100
_SHOWN = 200


class ParsedBucket(NamedTuple):
    """The increments of a bucket by id, and its poison: fields that are no id with a positive number."""

    counts: dict[int, int]
    poison: dict[bytes, bytes]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def parse(bucket: Bucket) -> ParsedBucket:
    """Take a bucket apart."""
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
    """Keep the poison of buckets, by their numbers, where a person can look at it."""
    for number, fields in poison.items():
        kept = list(fields.items())[:_KEPT]
        _keep(family, shard, number, "poison", ((_text(field), _text(value)) for field, value in kept))


def set_aside_overflow(family: str, shard: int, bucket: int, amounts: Mapping[int, int]) -> None:
    """Keep increments whose totals had no room for them."""
    _keep(family, shard, bucket, "overflow", ((str(id), str(amount)) for id, amount in amounts.items()))


def _keep(family: str, shard: int, bucket: int, reason: str, fields: Iterable[tuple[str, str]]) -> None:
    from caching.models import CounterField

    where = {"family": family, "shard": shard, "bucket": bucket, "reason": reason}
    rows = (CounterField(field=field, value=value, **where) for field, value in fields)
    CounterField.objects.bulk_create(rows, batch_size=1000)


def _text(raw: bytes) -> str:
    """Return bytes as text that PostgreSQL takes."""
    return raw[:_SHOWN].decode("ascii", "backslashreplace").replace("\0", "\\x00")[:_SHOWN]
