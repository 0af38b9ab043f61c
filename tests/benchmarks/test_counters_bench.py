"""The benchmark of the counters: its draws, sums and waits, and as a whole with tiny numbers."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from benchmarks import counters
from benchmarks.counting import draws, sums, waiting
from benchmarks.counting.freshness import Age, Mark, ages
from benchmarks.counting.statements import Statements
from benchmarks.counting.ticks import ticks
from benchmarks.harness import room
from benchmarks.harness.child import ChildFailed
from benchmarks.harness.room import NoRoom
from caching.counters.family import CounterFamily
from products.cache import product_views
from products.view_counts import increment_view, sync_view_counts
from tests.factories import ProductFactory

ROOT = Path(__file__).resolve().parents[2]
SMALL = """
import json
from dataclasses import asdict
from benchmarks.harness.place import own_place
with own_place():
    from benchmarks.counters import Scale, measure
    scale = Scale(
        products=600, viewed=300, calls=20, rounds=2, clients=2, seconds=6, floor_seconds=0.2, flushes=1, trace=2000,
        buckets=4, asked=20, turn_seconds=0.1,
    )
    print(json.dumps([asdict(row) for row in measure(scale)]))
"""
WAITING = """
from benchmarks.harness.place import own_place
with own_place():
    from benchmarks.harness.child import child
    with child("counting", "flusher") as flusher, child("counting", "views") as views:
        print(flusher.process.pid, views.process.pid, flush=True)
        flusher.order([1e9])
        flusher.answer()
"""


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
def test_everything_is_measured_and_no_view_is_lost(process_env: dict[str, str]) -> None:
    # When it runs with tiny numbers
    env = {name: value for name, value in process_env.items() if name != "BENCH_TRACE"}
    done = subprocess.run(
        [sys.executable, "-c", SMALL], cwd=ROOT, env=env, capture_output=True, text=True, timeout=200, check=False
    )
    # Then every row has its own name, and was measured
    assert done.returncode == 0, done.stderr
    rows: dict[str, dict[str, Any]] = {row["name"]: row for row in json.loads(done.stdout.splitlines()[-1])}
    assert len(rows) == len(json.loads(done.stdout.splitlines()[-1]))
    parts = {name.partition(":")[0] for name in rows}
    assert parts == {
        "one client",
        "2 clients for 6 s",
        "600 products in one flush",
        "600 products in one flush, a new hour",
        "600 products in one flush, the same hour",
        "made-up trace, warm",
        "made-up trace, cold",
        "backlog of 16 s at 10,000 views/s",
        "a distinct product and bucket",
    }
    ratios = {name: row["ratio"] for name, row in rows.items() if row["ratio"] is not None}
    assert {name: ratio for name, ratio in ratios.items() if not (math.isfinite(ratio) and ratio > 0)} == {}
    assert [name for name, row in rows.items() if row["measured"] <= 0 and row["unit"] not in ("", "cores")] == []
    # And what does not depend on time is exact
    counts = {name: row["measured"] for name, row in rows.items() if row["unit"] == "" and row["reach"]}
    assert len(counts) == 7
    assert set(counts.values()) == {0}, counts
    assert rows["made-up trace, warm: statements, fewer than one a view"]["measured"] > 95


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
def test_its_processes_end_with_it_however_it_ends(process_env: dict[str, str]) -> None:
    # Given a run that waits for its processes
    for number in (signal.SIGTERM, signal.SIGKILL):
        bench = subprocess.Popen(
            [sys.executable, "-c", WAITING], cwd=ROOT, env=process_env, stdout=subprocess.PIPE, text=True
        )
        assert bench.stdout is not None
        pids = [int(pid) for pid in bench.stdout.readline().split()]
        assert len(pids) == 2
        # When it is ended
        bench.send_signal(number)
        bench.wait(30)
        bench.stdout.close()
        # Then its processes have ended too
        deadline = time.monotonic() + 10
        while any(_runs(pid) for pid in pids):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_the_made_up_trace_is_like_the_recorded_one() -> None:
    seen = Counter(draws.made_up())
    assert (seen.total(), len(seen)) == (95_607, 13_756)
    assert sum(views == 1 for views in seen.values()) / len(seen) == pytest.approx(0.45, abs=0.001)
    assert draws.made_up() == draws.made_up()


def test_a_trace_is_read_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "views.txt"
    path.write_text("7\n3\n7\n")
    monkeypatch.setenv("BENCH_TRACE", str(path))
    assert draws.trace() == ("recorded trace", [7, 3, 7])
    assert draws.trace(2) == ("recorded trace", [7, 3])


def test_few_products_are_drawn_often_and_the_same_ones_by_every_seed() -> None:
    one, other = (Counter(draws.draw(range(1000), 20_000, seed)) for seed in (1, 2))
    assert one != other
    assert one.most_common(1)[0][0] == other.most_common(1)[0][0]
    assert one.most_common(1)[0][1] > 10 * 20_000 / 1000


def test_postgresql_is_as_old_as_its_worst_shard() -> None:
    # Given two clients who count 10 views a second each, one in each of two shards
    clients = [[Mark(0, [0, 0]), Mark(10, [100, 0])], [Mark(0, [0, 0]), Mark(10, [0, 100])]]
    # When PostgreSQL holds what was accepted by 2 s in one shard and by 5 s in the other
    found = ages(clients, [Mark(1, [0, 0]), Mark(6, [20, 50]), Mark(10, [100, 100])])
    # Then its age is that of the older one
    assert found == [Age(1, 1), Age(6, pytest.approx(4)), Age(10, pytest.approx(0))]


def test_flushes_begin_at_the_worst_moment_and_then_at_the_best() -> None:
    planned = ticks(start=1000.0, seconds=20)
    assert planned.worst == [1003.9, 1008.9]
    assert planned.best == [1009.1, 1014.1, 1019.1]


@pytest.mark.django_db(transaction=True)
def test_views_are_found_wherever_they_are() -> None:
    # Given views that wait, some in buckets of the past
    product, before = ProductFactory().pk, sums.everywhere()
    for _ in range(3):
        increment_view(product)
    waiting.put(waiting.number_in_hour(5, 0), {product: 4})
    assert sums.everywhere() - before == sums.pending() == 7
    # When some were flushed
    assert sync_view_counts()["total_views"] >= 4
    # Then none is missing, and a missing one would be found
    assert sums.everywhere() - before == 7
    assert sums.exactness("views", 7, before).holds
    assert not sums.exactness("views", 8, before).holds
    assert not sums.exactness("views", 6, before).holds
    # And one that is unknown may be counted or not
    assert sums.exactness("views", 6, before, unknown=1).holds
    # And the ledger has the sums by shard
    by_shard = sums.by_shard()
    assert by_shard[product_views.shard(product)] == sums.in_postgres() == sum(by_shard)


@pytest.mark.django_db(transaction=True)
def test_a_copied_bucket_is_flushed_like_one_that_was_counted() -> None:
    # Given a bucket of another family, copied into two of the past
    product = ProductFactory().pk
    other = CounterFamily("other", product_views.shards, product_views.bucket_seconds, clock=lambda: 5000)
    other.seed({product: 0}, ())
    other.increment(product, 6)
    numbers = [waiting.number_in_hour(5, place) for place in range(2)]
    waiting.copy(other, [1], numbers)
    assert sums.pending() == 12
    # When it is flushed, and what is left dropped
    assert sync_view_counts()["total_views"] == 12
    waiting.drop(product_views, numbers)
    # Then it is in PostgreSQL, and nowhere else
    assert (sums.in_postgres(), sums.pending(), product_views.backlog()) == (12, 0, [])


@pytest.mark.django_db(transaction=True)
def test_statements_are_counted_with_those_that_the_driver_sends() -> None:
    sent = Statements()
    with connection.execute_wrapper(sent), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert (sent.statements, sent.transactions) == (1, 1)
        with transaction.atomic():
            cursor.execute("SELECT 1")
            cursor.execute("SELECT 1")
    # BEGIN and COMMIT of the second transaction
    assert (sent.statements, sent.transactions) == (5, 2)


def test_a_server_that_is_not_the_runs_own_is_not_changed(monkeypatch: pytest.MonkeyPatch, redis_state: Any) -> None:
    # Given a Redis with a limit that is not the run's own
    monkeypatch.setattr(room, "is_own", lambda redis: False)
    limit = int(redis_state.config_get("maxmemory")["maxmemory"])
    if not limit:
        pytest.skip("this Redis has no limit")
    # When more is needed than that
    with pytest.raises(NoRoom, match="raise its maxmemory"), room.room(limit):
        pass
    # Then it is as it was
    assert int(redis_state.config_get("maxmemory")["maxmemory"]) == limit


def test_the_runs_own_server_gets_room_for_a_while(redis_state: Any) -> None:
    limit = int(redis_state.config_get("maxmemory")["maxmemory"])
    if not limit or not room.is_own(redis_state):
        pytest.skip("this Redis is not the run's own")
    with room.room(limit):
        assert int(redis_state.config_get("maxmemory")["maxmemory"]) > limit
    assert int(redis_state.config_get("maxmemory")["maxmemory"]) == limit


def test_what_could_not_be_measured_is_no_success() -> None:
    def fail() -> list[Any]:
        raise ChildFailed("it ended without output")

    (row,) = counters.attempted("sustained", fail)
    assert (row.name, row.beside, row.holds) == ("sustained", "it ended without output", False)


def _runs(pid: int) -> bool:
    """Return whether a process runs, and is not a zombie."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
