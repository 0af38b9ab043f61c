"""Durations and times as text for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def duration(length: timedelta) -> str:
    """Return the two largest units of a duration, as in `2 d 3 h`; less than a second is `0 s`."""
    left = max(0, int(length.total_seconds()))
    parts = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def exact_duration(length: timedelta) -> str:
    """Return a duration in days if it is a whole number of them, else in seconds: `30 days`, `60 seconds`."""
    return f"{length.days} days" if length.days and not length.seconds else f"{length.total_seconds():g} seconds"


def moment(at: datetime) -> str:
    """Return a time to the second, as in `2026-11-25 14:03:22 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def long_moment(at: datetime) -> str:
    """Return a time to the minute for running text, as in `25 November 2026 at 14:03 UTC`."""
    return f"{at.day} {at:%B %Y} at {at:%H:%M} UTC"
