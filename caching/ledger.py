"""The ledger as seen by a loader: which buckets the totals of this very snapshot already hold."""

from __future__ import annotations

from django.db.models import Aggregate, CharField, Subquery, TextField, Value
from django.db.models.functions import Cast, Concat

from caching.models import CounterBucket


def applied_buckets(family: str) -> Subquery:
    """Return a column for the query that reads totals: the applied buckets, as `parse_applied` reads them.

    It must be in the same statement as the totals, or a flush in between would be counted twice or not at all.
    PostgreSQL evaluates it once, not for each row.
    """
    name = Concat(Cast("shard", CharField()), Value(":"), Cast("bucket", CharField()))
    names = Aggregate(name, Value(","), function="STRING_AGG", output_field=TextField())
    rows = CounterBucket.objects.filter(family=family, retained=True).order_by().values("family")
    return Subquery(rows.annotate(names=names).values("names"))


def parse_applied(column: str | None) -> frozenset[tuple[int, int]]:
    """Return the (shard, bucket) pairs in the column of `applied_buckets`."""
    pairs = (name.split(":") for name in column.split(",")) if column else ()
    return frozenset((int(shard), int(bucket)) for shard, bucket in pairs)
