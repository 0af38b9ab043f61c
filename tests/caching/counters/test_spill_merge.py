"""Merging the spill: each row once, in the hour in which it was accepted, and then included in live counts."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from redis.exceptions import RedisError

from caching.counters import spill as spilling
from caching.counters import spill_merge
from caching.counters.application import Applied
from caching.counters.family import CounterFamily
from caching.counters.flushing import flush
from caching.models import CounterBucket, CounterField, CounterSpill
from caching.redis.connections import client, pool
from tests.factories import CounterSpillFactory

pytestmark = pytest.mark.django_db(transaction=True)


class Totals:
    """The target of a merge; ids in `gone` have no row, ids in `full` have no room."""

    def __init__(self) -> None:
        self.counts: dict[datetime, dict[int, int]] = {}
        self.gone: frozenset[int] = frozenset()
        self.full: frozenset[int] = frozenset()

    def apply(self, hour: datetime, counts: Mapping[int, int]) -> Applied:
        kept = {id: n for id, n in counts.items() if id not in self.gone | self.full}
        into = self.counts.setdefault(hour, {})
        for id, amount in kept.items():
            into[id] = into.get(id, 0) + amount
        return Applied(self.gone & counts.keys(), self.full & counts.keys())


@pytest.fixture
def family() -> CounterFamily:
    return CounterFamily("clicks", shards=2, bucket_seconds=5)


@pytest.fixture
def totals() -> Totals:
    return Totals()


def spill(counter: int, amount: int = 1, hours_ago: int = 0) -> None:
    hour = this_hour() - timedelta(hours=hours_ago)
    CounterSpillFactory(family="clicks", counter=counter, amount=amount, hour=hour)


def this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def test_the_spill_is_applied_by_the_hour_and_deleted(family, totals):
    hour = this_hour()
    for counter, amount, ago in ((5, 1, 0), (5, 2, 0), (6, 1, 0), (5, 4, 1)):
        spill(counter, amount, ago)

    done = flush(family, totals.apply)

    assert totals.counts == {hour: {5: 3, 6: 1}, hour - timedelta(hours=1): {5: 4}}
    assert (done.total, done.spilled, done.ids) == (8, 8, 3)
    assert CounterSpill.objects.count() == 0
    assert flush(family, totals.apply).total == 0


def test_transactions_are_bounded(family, totals, monkeypatch):
    monkeypatch.setattr(spill_merge, "_CHUNK_ROWS", 3)
    for counter in range(1, 8):
        spill(counter)
    calls = []

    def apply(hour: datetime, counts: Mapping[int, int]) -> Applied:
        calls.append(list(counts))
        return Applied()

    flush(family, apply)

    assert calls == [[1, 2, 3], [4, 5, 6], [7]]


def test_what_has_no_row_is_orphaned_and_what_has_no_room_is_kept(family, totals):
    totals.gone, totals.full = frozenset({5}), frozenset({6})
    for counter in (5, 6, 7):
        spill(counter, 2)

    done = flush(family, totals.apply)

    assert (done.total, done.orphaned, done.overflowed) == (6, 2, 2)
    assert CounterBucket.objects.values_list("shard", "total", "orphaned").get() == (spill_merge.SHARD, 6, 2)
    assert CounterField.objects.values_list("field", "value", "reason").get() == ("6", "2", "overflow")


def test_live_counts_that_lack_the_spill_are_seeded_again(family, totals):
    family.seed({5: 10, 6: 10}, frozenset())
    spill(5)

    flush(family, totals.apply)

    assert family.live([5, 6]) == {6: 10}
    assert CounterBucket.objects.get().retained is False
    flush(family, totals.apply)
    assert family.live([6]) == {6: 10}


def test_a_redis_that_is_restored_to_before_a_merge_has_its_live_counts_seeded_again(family, totals):
    # Given live counts, and a spill that is merged after Redis was saved
    family.seed({5: 10, 6: 10}, frozenset())
    saved = {name: client("state").dump(name) for name in client("state").scan_iter("mp:n:*")}
    spill(5)
    flush(family, totals.apply)

    # When Redis is restored
    client("state").flushdb()
    for name, value in saved.items():
        client("state").restore(name, 0, value)
    assert family.live([5, 6]) == {5: 10, 6: 10}

    # Then the next flush notices, although no bucket was sealed
    flush(family, totals.apply)
    assert family.live([5, 6]) == {}


def test_a_merge_that_redis_missed_is_not_hidden_by_the_next_merge(family, totals, monkeypatch):
    # Given a spill that takes two merges, and a Redis that comes back during the first
    monkeypatch.setattr(spill_merge, "_CHUNK_ROWS", 1)
    family.seed({5: 10, 6: 10}, frozenset())
    spill(5)
    spill(6)
    pool("state").breaker.is_open = True

    def apply(hour: datetime, counts: Mapping[int, int]) -> Applied:
        pool("state").breaker.is_open = False
        return totals.apply(hour, counts)

    # When both are merged, and Redis records the second
    flush(family, apply)
    assert CounterBucket.objects.filter(retained=True).count() == 1

    # Then the next flush deletes the live counts that the first one left
    flush(family, totals.apply)
    assert family.live([5, 6]) == {}
    assert not CounterBucket.objects.filter(retained=True).exists()


def test_a_later_part_may_have_a_lower_number(family, totals):
    # Given two merges, and the second merges an older row
    spill(5)
    old = CounterSpill.objects.get()
    CounterSpill.objects.all().delete()
    spill(6)
    flush(family, totals.apply)
    old.save()
    flush(family, totals.apply)

    # When live counts are seeded, then a flush keeps them
    family.seed({5: 10, 6: 10}, frozenset())
    flush(family, totals.apply)
    assert family.live([5, 6]) == {5: 10, 6: 10}


def test_without_redis_it_is_merged_all_the_same_and_the_live_counts_follow(family, totals):
    # Given a Redis that is away, with live counts that lack the spill
    family.seed({5: 10, 6: 10}, frozenset())
    spill(5)
    pool("state").breaker.is_open = True

    # When
    with pytest.raises(RedisError):
        flush(family, totals.apply)

    # Then the totals have it, and the ledger keeps a retained row for the merge that Redis missed
    assert totals.counts == {this_hour(): {5: 1}}
    assert CounterBucket.objects.get().retained is True
    pool("state").breaker.is_open = False
    assert family.live([5]) == {5: 10}
    assert family.last_merge() == -1

    # And the next flush deletes the live counts, once
    flush(family, totals.apply)
    assert family.live([5, 6]) == {}
    assert family.last_merge() == CounterBucket.objects.get().bucket
    assert CounterBucket.objects.get().retained is False
    family.seed({6: 10}, frozenset())
    flush(family, totals.apply)
    assert family.live([6]) == {6: 10}


def test_a_merge_that_meets_another_leaves_it_its_rows_and_does_not_wait(family):
    # Given a merge that waits in the middle of its transaction
    for counter in range(1, 4):
        spill(counter)
    counted: list[int] = []
    inside, done = threading.Event(), threading.Event()

    def apply_slowly(hour: datetime, counts: Mapping[int, int]) -> Applied:
        inside.set()
        done.wait(10)
        return apply(hour, counts)

    def apply(hour: datetime, counts: Mapping[int, int]) -> Applied:
        counted.extend(counts)
        return Applied()

    def merge_slowly() -> None:
        try:
            flush(family, apply_slowly)
        finally:
            connection.close()

    slow = threading.Thread(target=merge_slowly)
    slow.start()
    inside.wait(10)

    # When another merge runs
    spill(4)
    flush(family, apply)

    # Then it has skipped those rows and merged the new one
    assert counted == [4]
    done.set()
    slow.join()
    flush(family, apply)
    assert sorted(counted) == [1, 2, 3, 4]


def test_views_that_are_spilled_while_the_spill_is_merged_wait_for_the_next_flush(family):
    # Given increments that are spilled as fast as they are merged
    spill(1)
    calls = []

    def apply_and_be_overtaken(hour: datetime, counts: Mapping[int, int]) -> Applied:
        calls.append(dict(counts))
        spill(1 + len(calls))
        return Applied()

    # When / Then each flush ends
    assert flush(family, apply_and_be_overtaken).spilled == 1
    assert flush(family, apply_and_be_overtaken).spilled == 1
    assert calls == [{1: 1}, {2: 1}]


def test_a_live_count_seeded_from_before_the_spill_is_forgotten_after_the_merge(family):
    # Given a reader that loaded before the spill, and seeds during the merge
    spill(5, 3)

    def apply(hour: datetime, counts: Mapping[int, int]) -> Applied:
        family.seed({5: 10}, frozenset())
        return Applied()

    # When
    flush(family, apply)

    # Then
    assert family.live([5]) == {}


def test_views_that_are_spilled_into_rows_that_are_being_merged_are_all_counted(family):
    # Given four threads that spill views of three ids all the time
    over = threading.Event()
    counted: list[int] = []

    def take() -> int:
        accepted = 0
        try:
            while not over.is_set():
                accepted += sum(spilling.accept("clicks", id, 1) for id in (1, 2, 3))
        finally:
            connection.close()
        return accepted

    def apply(hour: datetime, counts: Mapping[int, int]) -> Applied:
        counted.append(sum(counts.values()))
        return Applied()

    # When they are merged meanwhile
    with ThreadPoolExecutor(4) as threads:
        spillers = [threads.submit(take) for _ in range(4)]
        try:
            for _ in range(60):
                flush(family, apply)
        finally:
            over.set()
        accepted = sum(each.result() for each in spillers)
    flush(family, apply)

    # Then
    assert sum(counted) == accepted > 100
    assert CounterSpill.objects.count() == 0
