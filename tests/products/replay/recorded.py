"""A trace of six views, and the bytes of a trace."""

from __future__ import annotations

from array import array

VIEWS = [0, 2, 1, 0, 0, 2]


def binary(numbers: list[int]) -> bytes:
    values = array("i", numbers)
    values.byteswap()
    return values.tobytes()
