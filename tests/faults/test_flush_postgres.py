"""View counts when PostgreSQL fails: cut off at COMMIT, ended in the middle of an update, or away for ten minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.db import connection

from caching.counters.backlog import measure_backlog
from caching.models import CounterSpill
from products.cache import product_views
from tests.caching.conftest import FakeClock
from tests.caching.other_process import OtherProcess, ready
from tests.deploy.services import wait_until
from tests.factories import CounterSpillFactory, ProductFactory
from tests.faults import flusher
from tests.faults.audit import balance, pending, settle
from tests.faults.proxy import Fault, Proxy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]

# Two products of the first shard and one of the second.
IDS = (4, 8, 5)
# Views that wait for each transaction of a flush.
SPILL, FIRST, SECOND = 3, 24, 7
AWAY_SECONDS = 600

_OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_BUSY = f"SELECT count(*) {_OTHERS} AND backend_type = 'client backend' AND state <> 'idle'"
_BLOCKED = f"SELECT pid {_OTHERS} AND wait_event_type = 'Lock' AND query LIKE '%%products_productviews%%'"
_TOUCH = "UPDATE products_productviews SET views = views WHERE product_id = %s"


@pytest.fixture(autouse=True)
def products(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The products, whose views are counted by the test's clock."""
    monkeypatch.setattr(product_views, "clock", clock)
    first = ProductFactory(pk=IDS[0])
    for id in IDS[1:]:
        ProductFactory(pk=id, seller=first.seller, category=first.category)


@pytest.fixture
def wire() -> Iterator[Proxy]:
    """A proxy in front of the test's PostgreSQL."""
    with Proxy(int(connection.settings_dict["PORT"])) as proxy:
        yield proxy


@pytest.fixture
def cut_off(wire: Proxy, process_env: dict[str, str]) -> Iterator[OtherProcess]:
    """A process that reaches PostgreSQL through the proxy."""
    url = process_env["DATABASE_URL"].replace(f":{connection.settings_dict['PORT']}/", f":{wire.port}/")
    process = OtherProcess(process_env | {"DATABASE_URL": url})
    process.call(ready)
    yield process
    process.kill()


@pytest.fixture
def holder() -> Iterator[Any]:
    """Another session in a transaction, to hold locks."""
    session = connection.copy()
    session.set_autocommit(False)
    yield session
    session.close()


def ask(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [value for (value,) in cursor.fetchall()]


def nobody_is_busy() -> bool:
    return ask(_BUSY) == [0]


def view_all(clock: FakeClock) -> int:
    """Make views wait in the spill and in a bucket of each shard; return how many."""
    product_views.seed(dict.fromkeys(IDS, 0), ())
    product_views.increment_many({IDS[0]: 11, IDS[1]: 13, IDS[2]: SECOND})
    CounterSpillFactory(counter=IDS[0], amount=SPILL)
    clock.advance(product_views.bucket_seconds)
    return SPILL + FIRST + SECOND


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.NO_REPLY])
def test_a_connection_that_is_cut_at_any_commit_costs_no_view_and_counts_none_twice(clock, wire, cut_off, fault):
    accepted = 0
    for number, part in enumerate([SPILL, FIRST, SECOND], start=1):
        # Given views for three transactions, one of them to be cut off at its COMMIT
        accepted += view_all(clock)
        wire.arm_at(b"COMMIT", fault, number)

        # When they are flushed
        cut_off.begin(flusher.flush_once, clock())
        if fault is Fault.NO_REPLY:
            wait_until(lambda: wire.fired and nobody_is_busy())
            wire.cut()
        assert cut_off.answer() == "OperationalError"
        assert wire.fired

        # Then all others were applied, and this one too if its COMMIT arrived
        wait_until(nobody_is_busy)
        assert balance(accepted).pending == (part if fault is Fault.CUT_BEFORE else 0)
        # And the next flush of the same process applies the rest
        assert cut_off.call(flusher.flush_once, clock()) == ""
        settle(accepted)


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER])
def test_a_connection_that_is_cut_at_any_request_holds_up_one_part_of_a_flush_at_most(clock, wire, cut_off, fault):
    accepted = 0
    for number in range(1, 100):
        # Given views for three transactions, and a connection that is to be cut at the next request
        accepted += view_all(clock)
        wire.arm(number, fault)

        # When they are flushed
        error = cut_off.call(flusher.flush_once, clock())
        if not wire.fired:
            break
        assert error != "" or balance(accepted).pending == 0

        # Then at most one of them still waits, or all if the flush could not begin
        wait_until(nobody_is_busy)
        assert balance(accepted).pending in (0, SPILL, FIRST, SECOND, SPILL + FIRST + SECOND)
        # And the next flush of the same process applies the rest
        assert cut_off.call(flusher.flush_once, clock()) == ""
        settle(accepted)
    settle(accepted)
    assert number > 30


class Ending(NamedTuple):
    """How a statement that waits for a lock ends: SQL that its session runs before, what is done while it waits (given
    the session that holds the lock and the pid that waits), and the name of PostgreSQL's error."""

    session: str
    act: Callable[[Any, int], None]
    error: str


def _terminate(holder: Any, pid: int) -> None:
    assert ask(f"SELECT pg_terminate_backend({pid})") == [True]


def _meet(holder: Any, pid: int) -> None:
    """Request the row that the flusher has locked, which is a deadlock."""
    holder.cursor().execute(_TOUCH, [IDS[0]])


ENDINGS = [
    Ending("", _terminate, "AdminShutdown"),
    Ending("", _meet, "DeadlockDetected"),
    Ending(
        "SET default_transaction_isolation TO 'repeatable read'",
        lambda holder, _: holder.commit(),
        "SerializationFailure",
    ),
    Ending("SET lock_timeout = '1s'", lambda *_: None, "LockNotAvailable"),
    Ending("SET statement_timeout = '1s'", lambda *_: None, "QueryCanceled"),
]


def test_an_update_that_postgresql_ends_halfway_is_repeated_and_delays_no_other_shard(clock, others, holder):
    (process,) = others()
    accepted = 0
    for ending in ENDINGS:
        # Given a flusher that has updated one product of a shard and waits for the other
        accepted += view_all(clock)
        holder.cursor().execute(_TOUCH, [IDS[1]])
        CounterSpill.objects.all().delete()
        accepted -= SPILL
        process.begin(flusher.flush_once, clock(), ending.session)
        wait_until(lambda: ask(_BLOCKED) != [])

        # When PostgreSQL ends its statement
        ending.act(holder, *ask(_BLOCKED))

        # Then the flush reports the error, and everything else was applied
        assert process.answer() == ending.error
        holder.rollback()
        assert balance(accepted).pending == FIRST
        # And the next flush applies the rest
        assert process.call(flusher.flush_once, clock()) == ""
        settle(accepted)


def test_ten_minutes_without_postgresql_cost_no_view_and_a_bounded_amount_of_memory(clock, wire, cut_off):
    # Given products that are in the cache and were viewed once
    assert [look[0] for look in cut_off.call(flusher.request_details, IDS, clock())] == [200] * len(IDS)
    shown: list[Any] = []
    wire.refuse()

    # When they are viewed all the time, and every flush fails
    errors = set()
    for _ in range(AWAY_SECONDS // product_views.bucket_seconds):
        shown.append(cut_off.call(flusher.request_details, IDS, clock()))
        clock.advance(product_views.bucket_seconds)
        errors.add(cut_off.call(flusher.flush_once, clock()))
    assert errors == {"OperationalError"}

    # Then every view was a hit and was counted
    assert {(status, cache) for looks in shown for status, cache, _ in looks} == {(200, "marketplace; hit")}
    assert [[count for *_, count in looks] for looks in shown] == [[n] * len(IDS) for n in range(2, len(shown) + 2)]
    # And all views wait, in a few bytes, which raises an alarm
    accepted = len(IDS) * (1 + len(shown))
    assert pending() == balance(accepted).pending == accepted
    backlog = measure_backlog(product_views)
    print(backlog)
    assert backlog.seconds >= AWAY_SECONDS - product_views.bucket_seconds
    assert backlog.bytes < 200 * backlog.buckets
    assert backlog.alarms() == [f"the oldest increments have waited for {backlog.seconds:.0f} s"]

    # When PostgreSQL is back
    wire.thaw()
    assert cut_off.call(flusher.flush_once, clock()) == ""

    # Then the next flush drains it
    settle(accepted)
    drained = measure_backlog(product_views)
    assert (drained.buckets, drained.fields, drained.seconds, drained.alarms()) == (0, 0, 0.0, [])
