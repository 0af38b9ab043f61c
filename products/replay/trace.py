"""A recorded trace: dense product numbers in the order of their views, in binary or as text."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from products.importing.errors import CatalogueError
from products.importing.source import SourceFile

_TEXT_BYTES = frozenset(b"0123456789 \t\r\n")
_ID_BYTES = 4
_MOST = 2**31


class TraceError(Exception):
    """The trace cannot be used; the message says why in one line."""


class Extent(NamedTuple):
    """How many views a trace holds, and the largest number among them."""

    views: int
    largest: int


def read_trace(path: Path, limit: int | None = None) -> Iterator[int]:
    """Yield the numbers: big-endian 32-bit integers or one decimal a line; plain, gzip or xz.

    Raises TraceError for a file that cannot be opened or read to its end.
    """
    return islice(_numbers(path), limit)


def measure(path: Path, limit: int | None = None) -> Extent:
    """Read the trace once to see how large it is. Raises TraceError, also for an empty trace."""
    views, largest = 0, -1
    for number in read_trace(path, limit):
        views += 1
        largest = max(largest, number)
    if not views:
        raise TraceError(f"{path} holds no views")
    return Extent(views, largest)


def _numbers(path: Path) -> Iterator[int]:
    try:
        with SourceFile(path) as source:
            chunks = source.chunks()
            first = next(chunks, b"")
            rest = (chunk for part in ([first], chunks) for chunk in part)
            yield from _text(rest, path) if _TEXT_BYTES.issuperset(first) else _binary(rest, path)
    except CatalogueError as error:
        raise TraceError(str(error)) from error


def _binary(chunks: Iterator[bytes], path: Path) -> Iterator[int]:
    rest = b""
    for chunk in chunks:
        data = rest + chunk
        whole = len(data) - len(data) % _ID_BYTES
        rest = data[whole:]
        numbers = array("i", data[:whole])
        if sys.byteorder == "little":
            numbers.byteswap()
        if numbers and min(numbers) < 0:
            raise TraceError(f"{path} holds negative numbers: it is no trace of big-endian 32-bit integers")
        yield from numbers
    if rest:
        raise TraceError(f"{path} ends in the middle of a number: it was cut off")


def _text(chunks: Iterator[bytes], path: Path) -> Iterator[int]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for word in whole:
            if word.strip():
                yield _number(word, path)
    if rest.strip():
        yield _number(rest, path)


def _number(word: bytes, path: Path) -> int:
    digits = word.strip()
    if not digits.isdigit() or len(digits) > 10 or int(digits) >= _MOST:
        raise TraceError(f"{path}: {word[:40]!r} is not a product number")
    return int(digits)
