"""A refused increment is counted and logged, without a line for each."""

from __future__ import annotations

import pytest

from caching import metrics
from caching.counters import spill


@pytest.fixture
def now(monkeypatch) -> list[float]:
    times = [100.0]
    monkeypatch.setattr(spill.time, "monotonic", lambda: times[0])
    spill.log.start_afresh()
    return times


def test_every_refusal_is_counted_by_its_reason(now):
    before = metrics.INCREMENTS_REFUSED.labels("clicks", "full")._value.get()
    spill.refuse("clicks", 2, "full")
    spill.refuse("clicks", 3, "full")
    assert metrics.INCREMENTS_REFUSED.labels("clicks", "full")._value.get() == before + 5


def test_the_first_is_logged_at_once_and_the_others_once_a_second(now, caplog):
    for _ in range(1000):
        spill.refuse("clicks", 1, "full")
    now[0] += 1.0
    spill.refuse("clicks", 1, "database")

    assert [record.getMessage() for record in caplog.records] == [
        "1 increments were refused since the last such line, one of clicks now: full",
        "1000 increments were refused since the last such line, one of clicks now: database",
    ]
