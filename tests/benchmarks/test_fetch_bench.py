"""The benchmark of `fetch`: its comparisons and counts, and as a whole with tiny numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.harness.rows import Reach, Row
from benchmarks.libraries.own_servers import NoServer
from benchmarks.reads import raw
from benchmarks.reads.compare import Comparison, Side, count_round_trips
from benchmarks.reads.entries import NotFresh, check_fresh, fill, make_noticed, make_stale
from benchmarks.reads.processes import attempted
from caching.readthrough.fetch import State, fetch
from caching.redis.connections import pool
from products.cache import products
from tests.factories import ProductFactory

ROOT = Path(__file__).resolve().parents[2]
SMALL = """
import json
from dataclasses import asdict
from benchmarks.harness.place import own_place
with own_place():
    from benchmarks.fetch import Scale, measure
    scale = Scale(products=300, singles=4, rounds=1, slow_rounds=1, crowds=1, keys=2000)
    print(json.dumps([asdict(row) for row in measure(scale)]))
"""


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
def test_everything_is_measured_and_what_no_clock_decides_holds(process_env: dict[str, str]) -> None:
    # When it runs with tiny numbers
    done = subprocess.run(
        [sys.executable, "-c", SMALL],
        cwd=ROOT,
        env=process_env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    # Then every row has its own name, and was measured
    assert done.returncode == 0, done.stderr
    rows: dict[str, dict[str, Any]] = {row["name"]: row for row in json.loads(done.stdout.splitlines()[-1])}
    assert all(row["measured"] > 0 for row in rows.values())
    # And each count is exact
    counts = {name: row["holds"] for name, row in rows.items() if row["unit"] in ("", "reads")}
    assert len(counts) == 15
    assert set(counts.values()) == {True}, [name for name, holds in counts.items() if not holds]
    # And what takes a timeout or a lease, even on a busy machine, is within reach
    assert rows["killed lease holder, its loads measured: next load"]["measured"] < 4
    times = {name for name, row in rows.items() if row["unit"] in ("us", "ms", "s")}
    assert len(times) == len(rows) - len(counts)


def test_a_call_is_compared_by_time_and_by_requests_to_redis() -> None:
    # Given a read of two requests beside one of one
    client = raw.client()
    twice = Side("twice", lambda key: [client.get(key), client.get(key)])
    once = Side("once", lambda key: client.get(key))
    # When they are compared
    timed, trips = Comparison("read", twice, once, ["a", "b"], trips=1, reach=Reach(1.5, at_least=False)).rows(rounds=9)
    # Then both rows say so, and that it is too much
    assert (trips.measured, trips.beside, trips.ratio, trips.holds) == (2, "once 1", 2, False)
    assert timed.unit == "us"
    assert timed.beside.startswith("once ")
    assert timed.ratio is not None
    assert timed.ratio > 1


def test_what_makes_ready_is_not_counted() -> None:
    client = raw.client()
    side = Side("read", lambda key: client.get(key), lambda keys: client.mget(["a", *keys]))
    assert count_round_trips(side, "a") == 1


def test_the_client_beside_is_redis_pys_own_with_the_settings_of_ours() -> None:
    ours, beside = pool("cache"), raw.client().connection_pool
    assert type(beside).__module__ == "redis.connection"
    assert beside.connection_kwargs["socket_timeout"] == ours.connection_kwargs["socket_timeout"]
    assert beside.connection_kwargs["db"] == ours.connection_kwargs["db"]


def test_what_could_not_be_measured_is_no_success() -> None:
    def fail() -> list[Row]:
        raise NoServer("no redis-server")

    (row,) = attempted("clear", fail)
    assert (row.name, row.beside, row.holds) == ("clear", "no redis-server", False)


@pytest.mark.django_db(transaction=True)
def test_entries_are_in_the_states_that_are_measured() -> None:
    ids = [ProductFactory().pk for _ in range(3)]
    # Given nothing is cached, it is not fresh
    with pytest.raises(NotFresh, match="0 of 3"):
        check_fresh(ids)
    # When filled, all are hits
    fill(ids)
    check_fresh(ids)
    # When stale, or stale with the refresh on its way, a read is a stale hit
    for make in (make_stale, make_noticed):
        make(ids)
        assert {fetch(products, id).state for id in ids} == {State.STALE}
    # And one with its refresh on its way has a lease already
    assert not products.store.lease(ids, background=frozenset(ids))
