"""A trace of views: read in every form, and refused in one clear line if it is none."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import pytest

from products.replay.trace import TraceError, measure, read_trace
from tests.products.replay.recorded import VIEWS, binary


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gzip", "xz"])
@pytest.mark.parametrize("data", [binary(VIEWS), b"0\n2\n1\r\n0\n\n0\n2"], ids=["binary", "text"])
def test_a_trace_is_read_in_every_form(tmp_path: Path, pack, data: bytes) -> None:
    path = tmp_path / "trace"
    path.write_bytes(pack(data))
    assert list(read_trace(path)) == VIEWS
    assert list(read_trace(path, limit=2)) == VIEWS[:2]
    assert measure(path) == (6, 2)


def test_numbers_across_chunks_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "trace.gz"
    path.write_bytes(gzip.compress(binary(list(range(100_001)))[:-1] + b"\x07"))
    assert list(read_trace(path)) == [*range(100_000), 100_000 - 100_000 % 256 + 7]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (binary(VIEWS)[:-1], "cut off"),
        (lzma.compress(binary(VIEWS))[:-9], "cut off"),
        (b"\xff\xff\xff\xff", "negative"),
        (b"1\n99999999999\n", "not a product number"),
        (b"", "no views"),
    ],
)
def test_a_trace_that_is_none_is_one_clear_line(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "trace"
    path.write_bytes(content)
    with pytest.raises(TraceError, match=problem):
        measure(path)
