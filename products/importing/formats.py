"""Detects the format of a file by its first characters, and reads its rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from products.importing.csv_rows import CsvRows
from products.importing.errors import CatalogueError, CutShort
from products.importing.json_rows import JsonArrayRows, NdjsonRows
from products.importing.lines import decoded, lines
from products.importing.rows import Row, RowReader
from products.importing.source import SourceFile


class Table:
    """The rows of a file of any format, with the columns that its header or its first row has."""

    def __init__(self, source: SourceFile) -> None:
        self._reader = _reader(source)
        self._rows = iter(self._reader)
        self.columns: list[str] = getattr(self._reader, "columns", [])
        self._first: list[Row] = []
        if not self.columns:
            self._read_to_first_whole_row()

    @property
    def line(self) -> int:
        """The last line that was reached."""
        return self._reader.line

    def __iter__(self) -> Iterator[Row]:
        return chain(self._first, self._rows)

    def _read_to_first_whole_row(self) -> None:
        # The first row that is whole names the columns, as a CSV header would.
        for row in self._rows:
            self._first.append(row)
            if row.values or len(self._first) == 100:
                self.columns = list(row.values)
                return


def _reader(source: SourceFile) -> RowReader:
    texts = decoded(source.chunks())
    try:
        head = next((text for text in texts if text.strip()), "")
    except CutShort as error:
        raise CatalogueError(f"{source.path}: {error}, and nothing could be read before that") from error
    if not head:
        raise CatalogueError(f"{source.path} is empty")
    everything: Iterator[Any] = chain([head], texts)
    match head.lstrip()[0]:
        case "[":
            return JsonArrayRows(everything)
        case "{":
            return NdjsonRows(lines(everything))
        case _:
            return CsvRows(lines(everything))
