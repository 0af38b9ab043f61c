"""What the owner's table says of deadlines. The table decides; the index follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol


class Deadline(NamedTuple):
    """When a row's time is over. Deadlines sort as the table is walked: by time, then by id."""

    at: datetime
    id: int


class DeadlineTable(Protocol):
    """The live deadlines of a table, as its owner reads them."""

    def deadlines_of(self, ids: Sequence[int]) -> Mapping[int, datetime]:
        """Return the deadlines of those ids that are live."""

    def page(self, after: Deadline | None, limit: int) -> Sequence[Deadline]:
        """Return up to `limit` live deadlines in order, from the first one after `after`."""
