"""Whichever request to Redis is lost, cut off or late: reads are right and no view is counted twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from caching import metrics
from caching.counters.family import CounterFamily
from caching.entries.journal import Journal
from caching.models import CounterSpill
from caching.readthrough.fetch import fetch
from caching.readthrough.invalidation import invalidate
from caching.readthrough.loader import Load
from caching.readthrough.resource import Resource
from caching.redis.connection_pool import Pool
from caching.redis.connections import client
from tests.caching.conftest import Truth
from tests.deploy.services import wait_until
from tests.faults.proxy import Fault, Proxy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]

TOTAL = 10
TRUST_SECONDS = 0.05
# No scenario has more requests than this; each ends with a turn in which no fault was left to fire.
MOST_REQUESTS = 20


@pytest.fixture
def hurried(monkeypatch) -> Iterator[None]:
    """A journal check that holds for a twentieth of a second, so that many outages fit into a test."""
    journal = Journal()
    for module in ("entries.journal", "readthrough.invalidation"):
        monkeypatch.setattr(f"caching.{module}.TRUST_SECONDS", TRUST_SECONDS)
    monkeypatch.setattr("caching.entries.store.journal", journal)
    yield
    # The last check may run still, in a thread that reads the database.
    if journal._check is not None:
        wait_until(journal._check.done.is_set)


@pytest.fixture
def counted(things: Resource, truth: Truth) -> Iterator[CounterFamily]:
    """Things whose views are counted, from a total of ten."""
    things.loader = lambda ids: Load(truth.load(ids).bodies, dict.fromkeys(truth.rows, TOTAL))
    return CounterFamily("clicks", shards=1, bucket_seconds=5)


def closed(pool: Pool) -> None:
    wait_until(lambda: not pool.breaker.is_open, 10)


def each_request(
    proxy: Proxy, pool: Pool, fault: Fault, prepare: Callable[[], None], scenario: Callable[[], None]
) -> int:
    """Run a scenario once for each of its requests, with the fault at that request; return how many there are."""
    for number in range(1, MOST_REQUESTS):
        client("cache").flushdb()
        proxy.thaw()
        closed(pool)
        prepare()
        proxy.arm(number, fault)
        scenario()
        if not proxy.fired:
            proxy.arm(10**9, fault)
            return number - 1
        # The breaker closes by itself after a moment.
        closed(pool)
    raise AssertionError("the scenario does not end")


@pytest.mark.parametrize("fault", Fault)
def test_reads_are_right_and_no_view_is_counted_twice_or_lost_in_silence(
    things, truth, counted, proxy, reroute, hurried, fault
):
    pool = reroute(proxy.port)
    truth.rows[1] = b"{}"
    things.family = counted
    before = 0.0

    def refused() -> float:
        return sum(
            metrics.INCREMENTS_REFUSED.labels("clicks", why)._value.get() for why in ("unknown", "full", "database")
        )

    def forget() -> None:
        nonlocal before
        before = refused()
        CounterSpill.objects.all().delete()

    def views() -> None:
        sent = 4  # one cold, three warm
        assert [fetch(things, 1, 1).body for _ in range(sent)] == [b"{}"] * sent
        accepted = sent - round(refused() - before)
        in_buckets = sum(
            int(bucket) for name in client("state").keys("mp:n:*b:*") for bucket in client("state").hvals(name)
        )
        spilled = sum(CounterSpill.objects.filter(family="clicks", counter=1).values_list("amount", flat=True))
        assert accepted <= in_buckets + spilled <= sent
        assert int(client("state").get("mp:n:{clicks:0}:live:1") or TOTAL) == TOTAL + in_buckets

    requests = each_request(proxy, pool, fault, forget, views)
    # Read, lease, fill, and the warm reads; opening a connection takes requests too.
    assert requests >= 6


@pytest.mark.parametrize("fault", Fault)
def test_no_read_after_an_invalidation_returned_shows_what_it_made_old(things, truth, proxy, reroute, hurried, fault):
    pool = reroute(proxy.port)

    def fill() -> None:
        truth.rows[1] = b"old"
        fetch(things, 1)

    def write_and_read() -> None:
        truth.rows[1] = b"new"
        invalidate(things, [1])
        assert [fetch(things, 1).body for _ in range(3)] == [b"new"] * 3
        closed(pool)
        time.sleep(TRUST_SECONDS)
        assert [fetch(things, 1).body for _ in range(3)] == [b"new"] * 3

    assert each_request(proxy, pool, fault, fill, write_and_read) >= 4


@pytest.mark.parametrize("fault", Fault)
def test_no_fill_that_was_overtaken_is_shown_whichever_request_fails(things, truth, proxy, reroute, hurried, fault):
    """The load sees the old row, the write commits and invalidates, and then comes the fill."""
    pool = reroute(proxy.port)

    def write_meanwhile() -> None:
        truth.during_load = lambda: None
        truth.rows[1] = b"new"
        invalidate(things, [1])

    def old() -> None:
        truth.rows[1] = b"old"
        truth.during_load = write_meanwhile

    def overtake() -> None:
        fetch(things, 1)
        assert [fetch(things, 1).body for _ in range(2)] == [b"new"] * 2
        closed(pool)
        time.sleep(TRUST_SECONDS)
        assert [fetch(things, 1).body for _ in range(2)] == [b"new"] * 2

    assert each_request(proxy, pool, fault, old, overtake) >= 4
