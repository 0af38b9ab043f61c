"""Which texts are row ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caching.ids import MAX_ID, row_id


@given(st.integers(1, MAX_ID))
def test_every_id_is_read_back_from_its_text(number: int) -> None:
    assert row_id(str(number)) == row_id(str(number).encode()) == number


NOT_IDS = ["", "0", "00", "007", "-1", "+1", " 1", "1 ", "1\n", "1_0", "1.0", "1e3", "0x1", "x", "\0"]
TOO_LARGE = [str(MAX_ID + 1), "9" * 19, "1" * 20, "9" * 10_000]


@pytest.mark.parametrize("text", [*NOT_IDS, *TOO_LARGE])
def test_text_that_is_no_id_is_none(text: str) -> None:
    assert row_id(text) is None
    assert row_id(text.encode()) is None


@pytest.mark.parametrize("text", ["１", "٣", "²", "1٣", "②"])
def test_digits_of_other_scripts_are_none(text: str) -> None:
    assert row_id(text) is None
    assert row_id(text.encode()) is None


@given(st.text() | st.binary())
def test_any_other_text_is_none(text: str | bytes) -> None:
    number = row_id(text)
    assert number is None or str(number) in (text, text if isinstance(text, str) else text.decode())


def test_the_largest_id_is_the_largest_bigint() -> None:
    assert row_id("9223372036854775807") == MAX_ID == 2**63 - 1
