"""View counts when Redis is killed, loses power or is restored: no view is counted twice, and none is lost that Redis
had persisted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import RedisError

from caching import metrics
from caching.counters import ledger
from caching.errors import IncrementRefused
from caching.models import CounterBucket
from caching.readthrough.fetch import fetch
from caching.redis.connections import client, pool
from caching.redis.errors import may_have_run
from products.cache import product_views, products
from products.models import ProductViews
from products.view_counts import increment_view, sync_view_counts
from tests.caching.conftest import FakeClock
from tests.deploy.services import wait_until
from tests.factories import ProductFactory
from tests.faults.audit import balance, read_books, settle
from tests.faults.redis_servers import RedisServer, reconnect, redirected

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]

# With everysec Redis may postpone a write for this long while the disk is busy with an fsync.
POSTPONED_SECONDS = 2.0


def hurry() -> None:
    """Shorten what this process needs for an outage: short buckets, kept briefly, and a frequent probe."""
    product_views.bucket_seconds = 1
    ledger.RETAIN_SECONDS = 2
    pool("state").breaker.every = 0.02


def spilled() -> float:
    return float(metrics.SPILLED.labels(product_views.name)._value.get())


def count_until(stop: str, reply_lost: str, ids: list[int]) -> dict[str, Any]:
    """Count views until the file `stop` exists; return the numbers by outcome, and when Redis took a view (`took`).

    The file `reply_lost` comes with the first view whose reply was lost.
    """
    hurry()
    unknown = refused = 0
    before = spilled()
    took = []
    while not Path(stop).exists():
        mine = spilled()
        try:
            increment_view(ids[len(took) % len(ids)])
        except IncrementRefused as refusal:
            if may_have_run(refusal.__cause__):
                unknown += 1
                Path(reply_lost).touch()
            else:
                refused += 1
        else:
            if spilled() == mine:
                took.append(time.monotonic())
    by_database = round(spilled() - before)
    return {
        "accepted": len(took) + by_database,
        "spilled": by_database,
        "unknown": unknown,
        "refused": refused,
        "took": took,
    }


def flush_until(stop: str, flushed: str) -> None:
    """Flush until the file `stop` exists, also after errors; add a byte to the file `flushed` at each success."""
    hurry()
    with Path(flushed).open("ab", buffering=0) as successes:
        while not Path(stop).exists():
            with suppress(RedisError):
                sync_view_counts()
                successes.write(b".")
            time.sleep(0.05)


def live_on(seconds: float, flushed: Path) -> None:
    """Let a Redis live for some seconds, and longer on a busy machine: until a flush has succeeded in its life."""
    before = flushed.stat().st_size
    time.sleep(seconds)
    wait_until(lambda: flushed.stat().st_size > before)


@pytest.mark.parametrize(("fsync", "lives"), [("always", [0.5] * 4), ("everysec", [2.2, 0.5])])
def test_a_redis_that_is_killed_under_load_loses_no_view_and_doubles_none(tmp_path, others, monkeypatch, fsync, lives):
    # Given processes that count and one that flushes, on a Redis with an append-only file
    ids = [ProductFactory().pk for _ in range(6)]
    stop, reply_lost, flushed, kills = tmp_path / "stop", tmp_path / "reply-lost", tmp_path / "flushed", []
    flushed.touch()
    with RedisServer(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", fsync) as server:
        *writers, flusher = others(3, redis_port=server.port)
        for writer in writers:
            writer.begin(count_until, str(stop), str(reply_lost), ids)
        flusher.begin(flush_until, str(stop), str(flushed))

        # When it is killed again and again, at least until a kill falls between a view and its reply
        for seconds in chain(lives, repeat(0.5, 20)):
            if len(kills) >= len(lives) and reply_lost.exists():
                break
            live_on(seconds, flushed)
            server.kill()
            kills.append(time.monotonic())
            time.sleep(0.2)
            server.start()
        live_on(0.5, flushed)
        stop.touch()
        results = [writer.answer() for writer in writers]
        flusher.answer()

        # Then what was accepted is in the totals, and beyond it at most the views whose reply was lost
        monkeypatch.setattr(product_views, "bucket_seconds", 1)
        monkeypatch.setattr(product_views, "clock", lambda: time.time_ns() // 1_000_000 + 10_000)
        with redirected(server.port):
            sync_view_counts()
            there = read_books().applied
            settle(there)
            assert live_counts(ids) == totals(ids)
    sums = {what: sum(each[what] for each in results) for what in ("accepted", "spilled", "unknown", "refused")}
    print(f"{fsync}: {sums}, there {there}, lost {max(0, sums['accepted'] - there)}")
    in_the_air = [
        at for each in results for at in each["took"] if any(kill - POSTPONED_SECONDS < at < kill for kill in kills)
    ]
    assert sums["accepted"] - (len(in_the_air) if fsync == "everysec" else 0) <= there
    assert there <= sums["accepted"] + sums["unknown"]
    assert sums["unknown"] > 0 < sums["spilled"]
    assert sums["refused"] == 0


@pytest.fixture
def ids(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Products of every shard, whose views are counted by the test's clock."""
    monkeypatch.setattr(product_views, "clock", clock)
    first = ProductFactory()
    return [first.pk, *[ProductFactory(seller=first.seller, category=first.category).pk for _ in range(5)]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """The Redis of this process, with an append-only file."""
    with (
        RedisServer(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", "always") as server,
        redirected(server.port),
    ):
        yield server


def view(ids: list[int], times: int = 1) -> int:
    """View each product some times; return how many views that is."""
    for _ in range(times):
        for id in ids:
            increment_view(id)
    return times * len(ids)


def totals(ids: list[int]) -> dict[int, int]:
    return dict(ProductViews.objects.filter(product__in=ids).values_list("product_id", "views"))


def live_counts(ids: list[int]) -> dict[int, int]:
    """Return the counts that readers see."""
    return {id: fetch(products, id).live for id in ids}


def memory_lost() -> float:
    return float(metrics.MEMORY_LOST.labels(product_views.name)._value.get())


def age_the_ledger() -> None:
    """Make the ledger say that its buckets were applied long ago."""
    CounterBucket.objects.update(applied_at="2020-01-01T00:00Z")


def test_power_that_fails_after_a_flush_costs_what_was_not_on_the_disk_and_doubles_nothing(server, ids, clock):
    expected = 0
    for cut, forgotten in enumerate([True, True, False, False]):
        # Given two buckets that were flushed, and views since
        sizes = []
        for times in (2, 3):
            expected += view(ids, times)
            sizes.append(server.log_size())
            clock.advance(5)
        sync_view_counts()
        sizes.append(server.log_size())
        late = view(ids)
        sizes.append(server.log_size())

        # When the power fails and the disk has the log as it was at one of these moments
        server.lose_power(sizes[cut])
        reconnect()
        expected += view(ids, 4)
        clock.advance(5)
        before = memory_lost()
        sync_view_counts()

        # Then only views that were neither flushed nor on the disk are lost, and a flush notices a forgotten seal
        expected += late if cut == 3 else 0
        settle(expected)
        assert memory_lost() - before == forgotten
        assert live_counts(ids) == totals(ids)
        expected += view(ids)
        assert live_counts(ids) == {id: total + 1 for id, total in totals(ids).items()}
        clock.advance(5)


def test_a_redis_restored_to_a_dump_from_before_the_flush_counts_nothing_twice(server, ids, clock):
    # Given a copy of the server's disk from before a flush
    accepted = view(ids, 3)
    before = server.copy("before")
    clock.advance(5)
    sync_view_counts()
    settle(accepted)
    clock.advance(5)

    # When the server starts with that copy, three times, and views come before and after the flush that notices
    for _ in range(3):
        server.restore(before)
        reconnect()
        accepted += view(ids, 2)
        clock.advance(5)
        sync_view_counts()
        settle(accepted)
        accepted += view(ids)
        balance(accepted)
        assert sum(live_counts(ids).values()) == accepted
        clock.advance(5)
        sync_view_counts()
        settle(accepted)


def test_a_bucket_that_comes_back_half_filled_is_set_aside_and_never_counted_again(server, ids, clock):
    # Given a copy of the server's disk from when a bucket was half full
    first = ids[:1]
    accepted = view(first, 3)
    middle = server.copy("middle")
    accepted += view(first, 2)
    clock.advance(5)
    sync_view_counts()
    server.restore(middle)
    reconnect()

    # When views go on, and the flush takes its second look at the bucket
    accepted += view(first, 4)
    clock.advance(5)
    sync_view_counts()
    settle(accepted)
    age_the_ledger()
    changed = sync_view_counts()["changed"]

    # Then it is set aside, the ledger says what it lacks, and the counts are right
    assert changed == 1
    assert list(CounterBucket.objects.filter(surplus__isnull=False).values_list("surplus", flat=True)) == [-2]
    (aside,) = client("state").scan_iter("mp:n:*:aside:*")
    assert client("state").hgetall(aside) == {str(first[0]).encode(): b"3"}
    settle(accepted)
    assert live_counts(first) == {first[0]: accepted}


def test_deleted_buckets_that_a_restore_brings_back_are_in_no_live_count_twice(server, ids, clock, monkeypatch):
    # Given a copy of the server's disk with buckets that have been applied and deleted since
    accepted = view(ids, 3)
    before = server.copy("before")
    clock.advance(5)
    sync_view_counts()
    age_the_ledger()
    sync_view_counts()
    server.restore(before)
    reconnect()

    # When views come at the very moment at which the flush has live counts seeded again
    forget_all = product_views.forget_all

    def forget_and_be_viewed() -> None:
        forget_all()
        view(ids)

    monkeypatch.setattr(product_views, "forget_all", forget_and_be_viewed)
    sync_view_counts()
    accepted += len(ids)

    # Then
    balance(accepted)
    assert sum(live_counts(ids).values()) == accepted
