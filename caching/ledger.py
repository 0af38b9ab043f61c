"""The ledger as seen by a loader: which buckets the totals of this very snapshot already hold."""

from __future__ import annotations

# A column for the query that reads totals; its one parameter is the family, and `parse_applied` reads what it says.
# It must be in the same statement as the totals, or a flush in between would be counted twice or not at all.
# PostgreSQL evaluates it once, not for each row.
APPLIED_BUCKETS = """(
    SELECT string_agg(shard || ':' || bucket, ',') FROM caching_counterbucket WHERE family = %s AND retained
)"""


def parse_applied(column: str | None) -> frozenset[tuple[int, int]]:
    """Return the (shard, bucket) pairs in the column of `APPLIED_BUCKETS`."""
    pairs = (name.split(":") for name in column.split(",")) if column else ()
    return frozenset((int(shard), int(bucket)) for shard, bucket in pairs)
