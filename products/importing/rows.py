"""A row as it was read from a file, before its values are checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the line it begins at (from 1), and its values by column or the problem it has instead."""

    line: int
    values: dict[str, Any]
    problem: str = ""


class RowReader(Protocol):
    """A format: iterating yields the rows; `line` is the last line that was reached."""

    line: int

    def __iter__(self) -> Iterator[Row]: ...
