"""Lines of decoded text: whole letters, no byte order mark, and no line that fills the memory."""

from __future__ import annotations

import pytest

from products.importing.errors import CutShort
from products.importing.lines import MAX_RECORD, decoded, lines


def test_letters_that_lie_across_chunks_are_whole_and_broken_bytes_stay_in_their_line() -> None:
    data = "größe\nmaß\n".encode() + b"br\xffken\nfine\n"
    texts = decoded(data[at : at + 1] for at in range(len(data)))
    assert list(lines(texts)) == ["größe\n", "maß\n", "br\udcffken\n", "fine\n"]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert list(lines(decoded([b"\xef\xbb\xbfname\n"]))) == ["name\n"]


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    endless = iter(["x" * 100_000] * 1000)
    with pytest.raises(CutShort, match=str(MAX_RECORD)):
        list(lines(endless))
    assert next(endless, None)
