"""A table of deadlines in memory, and what an index should hold for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from caching.deadlines.index import DeadlineFamily, to_ms
from caching.deadlines.table import Deadline

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Table:
    """A table of deadlines in memory; it counts the pages that were read."""

    def __init__(self, deadlines: dict[int, datetime]) -> None:
        self.deadlines = deadlines
        self.pages = 0

    def deadlines_of(self, ids: Sequence[int]) -> Mapping[int, datetime]:
        return {id: self.deadlines[id] for id in ids if id in self.deadlines}

    def page(self, after: Deadline | None, limit: int) -> Sequence[Deadline]:
        self.pages += 1
        rows = sorted(Deadline(at, id) for id, at in self.deadlines.items())
        return [row for row in rows if after is None or row > after][:limit]


def members(family: DeadlineFamily) -> dict[int | None, float]:
    found: dict[int | None, float] = {}
    for shard in range(family.shards):
        cursor = -1
        while cursor:
            cursor, page = family.scan(shard, max(cursor, 0), 100)
            found.update((family.id_of(member), member.score) for member in page)
    return found


def scores(table: Table) -> dict[int, int]:
    return {id: to_ms(at) for id, at in table.deadlines.items()}
