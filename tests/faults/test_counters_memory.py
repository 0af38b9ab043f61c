"""View counts when Redis forgets or refuses: it is emptied, full or read-only, or its scripts are gone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import override_settings
from redis.exceptions import RedisError

from caching import metrics
from caching.counters import spill
from caching.counters.family import CounterFamily
from caching.readthrough.fetch import fetch
from caching.redis.connections import client
from products.cache import product_views, products
from products.models import ProductViews
from products.view_counts import increment_view, sync_view_counts
from tests.caching.conftest import FakeClock
from tests.deploy.services import free_port, wait_until
from tests.factories import ProductFactory
from tests.faults.audit import balance, read_books, settle
from tests.faults.redis_servers import RedisServer, redirected

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]


class Crowd:
    """Threads that view products, one view a read, until the context ends.

    Each count must be above all counts that were shown before its read began; `went_down` has the others.
    """

    def __init__(self, ids: list[int], threads: int = 4) -> None:
        self._ids = ids
        self._threads = ThreadPoolExecutor(threads)
        self._number = threads
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.shown = dict.fromkeys(ids, 0)
        self.views = 0
        self.went_down: list[tuple[int, int, int]] = []

    def __enter__(self) -> Self:
        self._futures: list[Future[None]] = [self._threads.submit(self._view) for _ in range(self._number)]
        self.go_on(50)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for future in self._futures:
            future.result()
        self._threads.shutdown()

    def go_on(self, views: int) -> None:
        """Wait for this many more views."""
        until = self.views + views
        wait_until(lambda: self.views >= until or any(future.done() for future in self._futures))

    def _view(self) -> None:
        try:
            while not self._over.is_set():
                for id in self._ids:
                    before = self.shown[id]
                    live = fetch(products, id, 1).live
                    with self._lock:
                        self.views += 1
                        self.shown[id] = max(self.shown[id], live)
                        if live <= before:
                            self.went_down.append((id, before, live))
        finally:
            connection.close()


@pytest.fixture
def ids(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Products of every shard, whose views are counted by the test's clock."""
    monkeypatch.setattr(product_views, "clock", clock)
    first = ProductFactory()
    return [first.pk, *[ProductFactory(seller=first.seller, category=first.category).pk for _ in range(5)]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """The Redis of this process, with long timeouts: after a timeout a view may or may not have been counted."""
    patient = override_settings(CACHING={**settings.CACHING, "TIMEOUT_SECONDS": 10})
    with RedisServer(tmp_path / "redis") as server, patient, redirected(server.port):
        yield server


def totals(ids: list[int]) -> dict[int, int]:
    return dict(ProductViews.objects.filter(product__in=ids).values_list("product_id", "views"))


def live_counts(ids: list[int]) -> dict[int, int]:
    """Return the counts that readers see."""
    return {id: fetch(products, id).live for id in ids}


def refused() -> float:
    reasons = ("unknown", "full", "database")
    return sum(metrics.INCREMENTS_REFUSED.labels(product_views.name, reason)._value.get() for reason in reasons)


def bucket_keys(clock: FakeClock) -> list[str]:
    """Return the keys of the current buckets."""
    number = clock() // 1000 // product_views.bucket_seconds
    return [f"mp:n:{{product_views:{shard}}}:b:{number}" for shard in range(product_views.shards)]


def test_flushall_in_the_middle_of_a_bucket_costs_what_was_in_no_ledger_and_nothing_else(server, ids, clock):
    # Given views that were flushed and views that were not, while others are counted
    lost = 0
    with Crowd(ids) as crowd:
        for _ in range(3):
            clock.advance(5)
            sync_view_counts()
            crowd.go_on(100)

            # When Redis is emptied, and the same transaction reads what is in the buckets
            pipeline = client("state").pipeline(transaction=True)
            for name in bucket_keys(clock):
                pipeline.hvals(name)
            pipeline.flushall()
            *buckets, _ = pipeline.execute()
            lost += sum(sum(map(int, bucket)) for bucket in buckets)
            crowd.shown.update(dict.fromkeys(ids, 0))
            crowd.go_on(100)

    # Then exactly those views are lost, and the counts shown are right
    assert lost > 0
    balance(crowd.views - lost)
    assert sum(live_counts(ids).values()) == crowd.views - lost
    clock.advance(5)
    sync_view_counts()
    settle(crowd.views - lost)
    assert live_counts(ids) == totals(ids)


def test_scripts_that_are_flushed_all_the_time_cost_no_view_and_double_none(server, ids, clock):
    with Crowd(ids, 6) as crowd:
        for _ in range(60):
            client("state").script_flush()
            crowd.go_on(5)

    assert crowd.went_down == []
    balance(crowd.views)
    clock.advance(5)
    sync_view_counts()
    settle(crowd.views)
    assert live_counts(ids) == totals(ids) == crowd.shown


def test_of_a_large_batch_only_those_without_their_script_are_sent_again(server, clock):
    """Redis reads so large a batch in parts, and the script may be flushed between two of them."""
    family = CounterFamily("clicks", shards=1, bucket_seconds=5, clock=clock)
    ids = range(1, 2001)
    family.seed(dict.fromkeys(ids, 0), frozenset())
    over = threading.Event()

    def forget_scripts() -> None:
        with redis.Redis(port=server.port) as other:
            while not over.is_set():
                other.script_flush()

    with ThreadPoolExecutor(1) as executor:
        executor.submit(forget_scripts)
        try:
            shown = [family.increment_many(dict.fromkeys(ids, 1)) for _ in range(20)]
        finally:
            over.set()

    assert shown == [dict.fromkeys(ids, number) for number in range(1, 21)]
    bucket = family.key(0, f"b:{clock() // 1000 // family.bucket_seconds}")
    assert sum(map(int, client("state").hvals(bucket))) == 20 * len(ids)


def test_a_count_never_goes_down_whatever_happens_to_it(server, ids, clock):
    """Each count shown is above all shown before, during flushes, merges, evictions and script flushes."""
    spilled = 0
    with Crowd(ids) as crowd:
        for turn in range(40):
            # As a process does while Redis does not answer it.
            spilled += sum(spill.accept(product_views.name, id, 1) for id in ids)
            client("state").unlink(*[product_views.live_key(id) for id in ids])
            if turn % 3 == 0:
                client("state").script_flush()
            clock.advance(1)
            sync_view_counts()
            crowd.go_on(3)

    assert crowd.went_down == []
    balance(crowd.views + spilled)
    clock.advance(5)
    sync_view_counts()
    settle(crowd.views + spilled)
    assert live_counts(ids) == totals(ids)


def full(server: RedisServer) -> Callable[[], None]:
    """Give the server no memory for new data; return a function that ends this."""
    server.client.config_set("maxmemory", 1)
    return lambda: server.client.config_set("maxmemory", 0)


def read_only(server: RedisServer) -> Callable[[], None]:
    """Make it a replica of an unreachable server, as a failed failover does; return a function that ends this."""
    server.client.replicaof("127.0.0.1", free_port())
    return lambda: server.client.replicaof("NO", "ONE")


def cannot_save(server: RedisServer) -> Callable[[], None]:
    """Make its save to disk fail, after which it takes no writes; return a function that ends this."""
    # A directory takes the place of its file, because CONFIG SET of the file's name is forbidden from 7.0 on.
    (server.directory / "dump.rdb").mkdir()
    server.client.config_set("save", "3600 1")
    server.client.bgsave()
    wait_until(lambda: server.client.info("persistence")["rdb_last_bgsave_status"] == "err")
    return lambda: server.client.config_set("save", "")


@pytest.mark.parametrize("refuse", [full, read_only, cannot_save])
def test_what_redis_refuses_postgresql_accepts_and_no_count_goes_down(server, ids, clock, refuse):
    # Given views in the totals and in buckets, most of them in buckets
    before = refused()
    shown = dict.fromkeys(ids, 0)
    accepted = 0

    def look(views: int) -> None:
        nonlocal accepted
        for _ in range(views):
            for id in ids:
                live = fetch(products, id, 1).live
                assert live >= shown[id], f"{live} after {shown[id]}"
                shown[id] = live
                accepted += 1

    look(2)
    clock.advance(5)
    sync_view_counts()
    look(7)

    # When Redis refuses every write, while views come and flushes run
    relent = refuse(server)
    for seconds in (0, 5):
        look(3)
        clock.advance(seconds)
        if refuse is full:
            # A full Redis allows the flush, which makes room.
            sync_view_counts()
            continue
        with pytest.raises(RedisError):
            sync_view_counts()
    assert (read_books().waiting == 0) == (refuse is full)
    increment_view(ids[0])
    accepted += 1
    look(3)
    balance(accepted)

    # Then PostgreSQL accepted all of them, and each is counted once when Redis takes writes again
    assert read_books().spilled > 0
    assert refused() == before
    relent()
    sync_view_counts()
    look(1)
    clock.advance(5)
    look(1)
    clock.advance(5)
    sync_view_counts()
    settle(accepted)
    assert live_counts(ids) == totals(ids)
