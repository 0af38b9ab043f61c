"""What the estimate of visitors costs: two round trips, and none if visitors are not kept."""

from __future__ import annotations

from typing import Any

from products.visitors import Visitors, visitors


def test_without_days_nobody_was_there(settings: Any, redis_commands: Any) -> None:
    with redis_commands() as trips:
        assert visitors(17) == Visitors(0, 0)
    assert trips == []


def test_visitors_take_two_round_trips(settings: Any, redis_commands: Any) -> None:
    settings.VIEW_UNIQUE_DAYS = 30
    with redis_commands() as trips:
        assert visitors(17) == Visitors(0, 0)
    assert trips == [["PFCOUNT"], ["PFCOUNT"]]
