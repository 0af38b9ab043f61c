"""Rows of JSON: an array that is parsed element by element, or one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from products.importing.errors import CutShort
from products.importing.lines import MAX_RECORD
from products.importing.rows import Row

# Prices must not become binary floats, and int() raises ValueError for a number of 5,000 digits.
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal)
_SPACE = " \t\r\n"


def _as_row(line: int, value: Any) -> Row:
    if isinstance(value, dict):
        return Row(line, value)
    return Row(line, {}, f"a JSON object is expected, not {str(value)[:40]!r}")


class NdjsonRows:
    """One JSON object a line; a line that is not JSON is a problem of that row only."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.line = 0

    def __iter__(self) -> Iterator[Row]:
        for text in self._lines:
            self.line += 1
            if not text.strip(_SPACE):
                continue
            try:
                yield _as_row(self.line, _DECODER.decode(text.strip(_SPACE)))
            except (json.JSONDecodeError, RecursionError) as error:
                yield Row(self.line, {}, f"it is not JSON: {error}")


class JsonArrayRows:
    """The elements of one JSON array, each parsed as soon as it is whole.

    After a broken element the place of the next one is unknown, so iterating raises CutShort there.
    """

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self._buffer = ""
        self._at = 0
        self.line = 1

    def __iter__(self) -> Iterator[Row]:
        self._expect("[")
        if self._peek() == "]":
            self._expect("]")
            self._finish()
            return
        while True:
            self._peek()
            line, value = self.line, self._element()
            yield _as_row(line, value)
            if self._expect(",]") == "]":
                self._finish()
                return

    def _finish(self) -> None:
        if self._peek():
            raise CutShort("there is more after the end of the JSON array")

    def _element(self) -> Any:
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                self._more_or_cut(error.msg)
                continue
            except RecursionError as error:
                raise CutShort("the JSON is nested too deeply") from error
            # A number or word that touches the end of the buffer may go on in the next chunk.
            if end < len(self._buffer) or not self._more():
                self._move(end)
                return value

    def _more_or_cut(self, problem: str) -> None:
        # An unfinished element and a broken one raise the same error; it is broken at the end or if it is too long.
        if len(self._buffer) - self._at > MAX_RECORD or not self._more():
            raise CutShort(f"the JSON is broken or cut off: {problem}")

    def _more(self) -> bool:
        """Append the next chunk to the buffer, dropping what was consumed; return whether there was one."""
        text = next(self._texts, "")
        self._buffer, self._at = self._buffer[self._at :] + text, 0
        return bool(text)

    def _move(self, end: int) -> None:
        self.line += self._buffer.count("\n", self._at, end)
        self._at = end

    def _peek(self) -> str:
        """Skip white space; return the next character, or an empty string at the end."""
        while True:
            at = self._at
            while at < len(self._buffer) and self._buffer[at] in _SPACE:
                at += 1
            self._move(at)
            if at < len(self._buffer):
                return self._buffer[at]
            if not self._more():
                return ""

    def _expect(self, allowed: str) -> str:
        found = self._peek()
        if not found:
            raise CutShort("the JSON array is not closed: it was cut off")
        if found not in allowed:
            raise CutShort(f"the JSON is malformed: expected one of {allowed!r}, found {found!r}")
        self._at += 1
        return found
