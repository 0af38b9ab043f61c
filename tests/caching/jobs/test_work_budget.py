"""New work is done without a pause; work on a backlog pauses, and ends in time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pytest

from caching.counters.application import Applied
from caching.counters.family import CounterFamily
from caching.counters.flushing import flush
from caching.jobs.work_budget import WorkBudget


class Time:
    """A clock in seconds that advances when a test sets `now` or the code sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def work(budget: WorkBudget, time: Time, fields: int, seconds: float) -> None:
    with budget.batch(fields):
        time.now += seconds


def test_what_comes_in_a_few_seconds_is_applied_without_a_pause():
    time = Time()
    one = WorkBudget(60, 100_000, 4, time, time.sleep)
    for _ in range(2):
        work(one, time, 50_000, 0.5)
    assert time.slept == []


def test_work_on_a_backlog_pauses_four_times_as_long_as_it_works():
    time = Time()
    one = WorkBudget(60, 100_000, 4, time, time.sleep)
    for _ in range(4):
        work(one, time, 50_000, 0.5)
    assert time.slept == [2.0, 2.0]


def test_a_pause_is_cut_where_it_would_let_the_backlog_grow():
    time = Time()
    one = WorkBudget(60, 0, 20, time, time.sleep)
    for most in (4.0, 0.5):
        with one.batch(50_000, most=most):
            time.now += 1
    assert time.slept == [3.0, 0.0]


def test_a_pause_ends_with_the_budget():
    """The next run need not wait longer because of a batch that took long."""
    time = Time()
    one = WorkBudget(60, 100_000, 20, time, time.sleep)
    work(one, time, 200_000, 20)
    assert time.slept == [40.0]
    work(one, time, 50_000, 1)
    assert time.slept == [40.0, 0.0]


def test_after_a_minute_nothing_more_is_begun():
    time = Time()
    one = WorkBudget(60, 100_000, 4, time, time.sleep)
    assert not one.is_half_spent
    time.now += 30
    assert one.is_half_spent
    time.now += 29.9
    assert not one.is_spent
    time.now += 0.1
    assert one.is_spent


@pytest.mark.django_db(transaction=True)
def test_a_backlog_is_flushed_six_times_as_fast_as_it_came_however_long_it_takes(clock, monkeypatch):
    # Given a backlog of three buckets, a family of two shards, and work that takes a tenth of a second for each
    family = CounterFamily("clicks", shards=2, bucket_seconds=5, clock=clock)
    family.seed({1: 0}, frozenset())
    for _ in range(3):
        family.increment(1)
        clock.advance(5)
    time = Time()

    def apply(hour: datetime, counts: Mapping[int, int]) -> Applied:
        time.now += 0.1
        return Applied()

    # When each bucket is a batch of its own
    monkeypatch.setattr("caching.counters.flushing.CHUNK_FIELDS", 1)
    monkeypatch.setattr(
        "caching.counters.flushing.WorkBudget",
        lambda seconds, burst, pause_ratio: WorkBudget(seconds, 0, pause_ratio, time, time.sleep),
    )
    assert flush(family, apply).total == 3

    # Then work and pause take a sixth of 5 s / 2 shards for each, not 21 tenths of a second
    assert time.slept == pytest.approx([5 / 2 / 6 - 0.1] * 3)


@pytest.mark.django_db(transaction=True)
def test_the_next_flush_goes_on_where_one_ended(clock, monkeypatch):
    # Given an hour of views and a flush without time
    family = CounterFamily("clicks", shards=1, bucket_seconds=5, clock=clock)
    family.seed({1: 0}, frozenset())
    family.increment(1)
    clock.advance(3600)
    monkeypatch.setattr("caching.counters.flushing._SECONDS", 0.0)
    assert flush(family, lambda hour, counts: Applied()).total == 0

    # When there is one with time
    monkeypatch.undo()

    # Then
    assert flush(family, lambda hour, counts: Applied()).total == 1
