"""Deadlines as the owner's table has them. The table decides; the index follows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol


class Deadline(NamedTuple):
    """When the time of a row ends. Deadlines sort as the table is walked: by time, then by id."""

    at: datetime
    id: int


class DeadlineTable(Protocol):
    """The live deadlines of a table, as its owner reads them."""

    def deadlines_of(self, ids: Sequence[int]) -> Mapping[int, datetime]:
        """Return the deadlines by id, without ids that are not live."""

    def page(self, after: Deadline | None, limit: int) -> Sequence[Deadline]:
        """Return up to `limit` live deadlines in order, from the first one after `after` (None: from the start)."""
