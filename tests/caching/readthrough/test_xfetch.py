"""The chance of an early refresh."""

from __future__ import annotations

import random

import pytest

from caching.readthrough.xfetch import should_refresh_early


def chance(now: int, stale_from: int, load_ms: float, tries: int = 4000) -> float:
    random.seed(20)
    return sum(should_refresh_early(now, stale_from, load_ms) for _ in range(tries)) / tries


def test_the_chance_is_that_of_xfetch():
    """P(load * beta * -ln(u) >= left) is exp(-left / load)."""
    assert chance(now=0, stale_from=1000, load_ms=1000) == pytest.approx(0.368, abs=0.03)
    assert chance(now=0, stale_from=2000, load_ms=1000) == pytest.approx(0.135, abs=0.03)
    assert chance(now=0, stale_from=60_000, load_ms=100) == 0
    assert chance(now=1000, stale_from=1000, load_ms=0) == 1
    assert chance(now=1001, stale_from=1000, load_ms=5) == 1
    assert chance(now=999, stale_from=1000, load_ms=0) == 0
