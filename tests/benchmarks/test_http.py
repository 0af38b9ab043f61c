"""The HTTP benchmark as a whole, with tiny numbers; and the help of `python -m benchmarks`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

ROOT = Path(__file__).resolve().parents[2]
SMALL = """
import json, sys
from dataclasses import asdict
from benchmarks.harness.place import own_place
with own_place() as name:
    from benchmarks.http import Scale, measure
    scale = Scale(
        products=150, users=25, pages=3, rounds=1, miss_rounds=1,
        latency_seconds=0.05, throughput_seconds=0.1, warm_up_seconds=0.02,
    )
    print(json.dumps([name, [asdict(row) for row in measure(scale)]]))
"""


@pytest.fixture
def process_env(process_env: dict[str, str]) -> dict[str, str]:
    """An environment with a long timeout: the peers answer 500 where ours goes to PostgreSQL."""
    return process_env | {"REDIS_TIMEOUT_SECONDS": "10"}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_benchmark_measures_all_reads_and_leaves_nothing(process_env: dict[str, str]) -> None:
    # When it runs with tiny numbers
    done = _python(["-c", SMALL], process_env)
    # Then every read has its rows, whose times were measured
    assert done.returncode == 0, done.stderr
    name, rows = json.loads(done.stdout)
    reads = {row["name"].partition(":")[0] for row in rows}
    four = {"detail", "feed page of 20", "batch of 100", "batch of 20 users"}
    assert reads == {*four, *(f"{read}, 30 % missing" for read in four), "cold detail", "load generator"}
    assert all(row["measured"] > 0 for row in rows if row["unit"] != "us")
    assert len({row["name"] for row in rows}) == len(rows)
    # And neither its database nor its keys are left
    with psycopg.connect(process_env["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchall() == []
    assert list(redis.Redis.from_url(os.environ["REDIS_URL"]).scan_iter(match=f"{name}:*")) == []


def test_the_help_names_the_benchmarks(process_env: dict[str, str]) -> None:
    done = _python(["-m", "benchmarks", "--help"], process_env)
    assert done.returncode == 0
    assert "  http  " in done.stdout
    assert "harness" not in done.stdout


def test_an_unknown_name_is_refused_with_the_known_ones(process_env: dict[str, str]) -> None:
    done = _python(["-m", "benchmarks", "nothing"], process_env)
    assert done.returncode == 2
    assert "no benchmark 'nothing'; there are: " in done.stderr
    assert "http" in done.stderr.partition("there are: ")[2].split(", ")


def _python(arguments: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )
