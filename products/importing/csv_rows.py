"""Rows of a CSV file: the first line names the columns, and the separator is detected in it."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from products.importing.errors import CatalogueError
from products.importing.rows import Row

SEPARATORS = ",;\t|"


class CsvRows:
    """Reads strictly: a row with a stray quote or a wrong number of columns is a problem, never a guess."""

    def __init__(self, lines: Iterator[str]) -> None:
        header = next(lines, "")
        separator = max(SEPARATORS, key=header.count)
        self._reader = csv.reader(self._counted(header, lines), delimiter=separator, strict=True)
        self._read_lines = 0
        self.line = 0
        try:
            self.columns = [name.strip() for name in next(self._reader, [])]
        except csv.Error as error:
            raise CatalogueError(f"the header line cannot be read as CSV: {error}") from error

    def _counted(self, header: str, lines: Iterator[str]) -> Iterator[str]:
        self._read_lines = 1
        yield header
        for line in lines:
            self._read_lines += 1
            yield line

    def __iter__(self) -> Iterator[Row]:
        while True:
            # A quoted field may span lines; a row has the number of the line it begins at.
            self.line = self._read_lines + 1
            try:
                fields = next(self._reader)
            except StopIteration:
                self.line = self._read_lines
                return
            except csv.Error as error:
                yield Row(self.line, {}, self._malformed(str(error)))
                continue
            if not fields:
                continue
            if len(fields) != len(self.columns):
                yield Row(self.line, {}, f"it has {len(fields)} columns, the header {len(self.columns)}")
            else:
                yield Row(self.line, dict(zip(self.columns, fields, strict=True)))

    def _malformed(self, problem: str) -> str:
        return problem if self._read_lines <= self.line else f"{problem} (up to line {self._read_lines})"
