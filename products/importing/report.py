"""The report of an import: its counts, and every row that was not imported, with line and reason."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TextIO

from products.importing.errors import BadRow, SkippedRow
from products.importing.item import Item
from products.importing.writing import Written

DUPLICATE = "same source id as an earlier row"
SHOWN = 20


@dataclass(slots=True)
class Report:
    """Counts of one run; `out` receives a line of JSON for each row that was rejected, skipped or changed."""

    out: TextIO | None = None
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    first_rejected: list[str] = field(default_factory=list)
    cut: str = ""

    @property
    def understood(self) -> int:
        """The number of valid rows, whether or not there was anything to do for them."""
        return self.created + self.updated + self.unchanged + self.skipped.total()

    def wrote(self, written: Written) -> None:
        """Count a batch that is in the database."""
        self.created += written.created
        self.updated += written.updated
        self.unchanged += written.unchanged

    def refuse(self, line: int, why: BadRow) -> None:
        """Count a row that was rejected or skipped."""
        if isinstance(why, SkippedRow):
            self.skipped[why.reason] += 1
            self._record("skipped", line, why.reason, why.detail)
            return
        self.rejected[why.reason] += 1
        if len(self.first_rejected) < SHOWN:
            self.first_rejected.append(printable(f"line {line}: {why}"))
        self._record("rejected", line, why.reason, why.detail)

    def noted(self, item: Item) -> None:
        """Count what was changed in an item to make it fit."""
        for note in item.notes:
            self.notes[note] += 1
            self._record("note", item.line, note, item.title)

    def cut_short(self, line: int, problem: str) -> None:
        """Record that the file could not be read to its end."""
        self.cut = f"the file was read up to line {line} only: {printable(problem)}"
        self._record("cut", line, problem, "")

    def _record(self, kind: str, line: int, reason: str, detail: str) -> None:
        if self.out is not None:
            entry = {"line": line, "kind": kind, "reason": reason, "detail": detail}
            self.out.write(printable(json.dumps(entry, ensure_ascii=False)) + "\n")


def printable(text: str) -> str:
    """Return text that any UTF-8 stream takes, broken bytes shown as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
