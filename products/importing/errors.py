"""Errors of a catalogue: of the whole file, or of one of its rows."""

from __future__ import annotations


class CatalogueError(Exception):
    """The import cannot go on; the message says why in one line."""


class CutShort(CatalogueError):
    """The file ends or breaks in the middle; what came before it is good."""


class BadRow(Exception):
    """One row cannot become a product. `reason` is one of a few constants, to be counted; `detail` is free text."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class SkippedRow(BadRow):
    """One row is valid, but there is nothing to do for it."""
