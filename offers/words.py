"""A duration as people say it."""

from __future__ import annotations

from datetime import timedelta

_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def in_words(duration: timedelta) -> str:
    """Return the two largest units of a duration, as in `2 d 3 h`; less than a second is `0 s`."""
    left = max(0, int(duration.total_seconds()))
    parts = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
