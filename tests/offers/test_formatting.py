"""Durations and times as text."""

from __future__ import annotations

from datetime import timedelta

import pytest

from offers import formatting


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(days=2, hours=3, minutes=9), "2 d 3 h"),
        (timedelta(hours=5), "5 h 0 min"),
        (timedelta(seconds=61), "1 min 1 s"),
        (timedelta(milliseconds=5), "0 s"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_a_duration_as_text(duration: timedelta, words: str) -> None:
    assert formatting.duration(duration) == words
