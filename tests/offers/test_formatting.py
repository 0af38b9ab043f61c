"""Durations and times as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

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


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(days=30), "30 days"),
        (timedelta(seconds=60), "60 seconds"),
        (timedelta(days=1, seconds=1), "86401 seconds"),
    ],
)
def test_an_exact_duration_as_text(duration: timedelta, words: str) -> None:
    assert formatting.exact_duration(duration) == words


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-5))])
def test_times_are_in_utc(zone: timezone) -> None:
    at = datetime(2026, 11, 25, 14, 3, 22, 999_999, tzinfo=UTC)

    assert formatting.moment(at.astimezone(zone)) == "2026-11-25 14:03:22 UTC"


def test_a_time_in_running_text_is_to_the_minute() -> None:
    assert formatting.long_moment(datetime(2026, 3, 4, 5, 6, 59, tzinfo=UTC)) == "4 March 2026 at 05:06 UTC"
