"""What the owner's table knows of deadlines; it decides, and the index follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

Deadline = tuple[int, datetime]


class Truth(Protocol):
    """What the table knows of live deadlines."""

    def deadlines_of(self, ids: Sequence[int]) -> Mapping[int, datetime]:
        """Return the deadlines of those ids that are live."""

    def page(self, after: Deadline | None, limit: int) -> Sequence[Deadline]:
        """Return live deadlines in order of (deadline, id), those after `after` only."""
