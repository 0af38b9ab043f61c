"""The benchmark of the laws: ours as a whole with few keys, peers if they are installed, and the table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import laws
from benchmarks.harness.rows import Row
from benchmarks.libraries.registry import PEERS
from benchmarks.libraries.verdict import LawRow
from marketplace.development.bootstrap import peers as installed

ROOT = Path(__file__).resolve().parents[2]
SMALL = """
import json, sys
from dataclasses import asdict
from benchmarks.harness.place import own_place
with own_place():
    from benchmarks import laws
    from benchmarks.libraries.registry import PEERS
    wanted = tuple(peer for peer in PEERS if peer.title == sys.argv[1] and not peer.way)
    rows = laws.measure(laws.Scale(keys=2000, rounds=1, peers=wanted, laws=tuple(sys.argv[2:])))
    print(json.dumps([asdict(row) for row in rows]))
"""
PLAIN = ("stale_set", "poison", "clear")


def measured(env: dict[str, str], *arguments: str) -> dict[str, dict[str, Any]]:
    """Return the rows of one peer by what they measure."""
    done = subprocess.run(
        [sys.executable, "-c", SMALL, *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout.splitlines()[-1])
    return {row["name"].rpartition(": ")[0]: row for row in rows}


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
def test_ours_keeps_the_laws_that_no_clock_decides(process_env: dict[str, str]) -> None:
    # When all laws are put to ours
    rows = measured(process_env, "ours", *laws.LAWS)
    # Then each that does not depend on the load of the machine holds
    kept = {name for name, row in rows.items() if row["holds"]}
    assert kept >= {
        "stale set",
        "cold key: loads for 4 x 10 callers",
        "stale key: loads for 4 x 10 callers",
        "frozen Redis: answered",
        "poisoned entry: raised",
        "poisoned batch: lost",
        "clear: foreign data taken",
    }
    # And each that does was timed
    assert {name for name in rows if rows[name]["unit"] in ("ms", "s")} == {
        "cold key: slowest caller",
        "stale key: slowest caller",
        "frozen Redis: 10 reads",
        "clear: time",
    }


@pytest.mark.slow
@pytest.mark.skipif(not installed.python(os.environ).exists(), reason="bin/bench laws has not installed the peers")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("peer", sorted({peer.title for peer in PEERS} - {"ours"}))
def test_a_peer_without_guards_breaks_the_laws(peer: str, process_env: dict[str, str]) -> None:
    # When the laws are put to a peer with unguarded fills and pickled entries
    rows = measured(process_env, peer, *PLAIN)
    # Then it serves an overwritten value, raises on what it cannot decode, and has no reach
    assert rows["stale set"]["measured"] == 1
    assert rows["poisoned entry: raised"]["measured"] >= 2
    assert {row["holds"] for row in rows.values()} == {None}


@pytest.mark.django_db(transaction=True)
def test_a_peer_that_is_not_installed_has_rows_that_say_so(process_env: dict[str, str], tmp_path: Path) -> None:
    # Given no environment of peers
    env = {**process_env, "BENCH_PEERS_PYTHON": str(tmp_path / "python")}
    # When its laws are asked for
    rows = measured(env, "cashews", *PLAIN)
    # Then each has a row with the reason, and no outcome
    assert set(rows) == set(PLAIN)
    assert {row["cell"] for row in rows.values()} == {"not run"}
    assert all(row["beside"].startswith("not installed") and row["holds"] is None for row in rows.values())


def test_a_package_that_is_missing_is_named(tmp_path: Path) -> None:
    # Given a Python without any of the peers
    place = {"REDIS_URL": "redis://127.0.0.1:1/0", "DATABASE_URL": "postgresql://x", "REDIS_PID": "0", "TALLY": "x"}
    numbers = {"LOAD_SECONDS": "0", "SOFT_TTL": "1", "TIMEOUT": "1", "VERSION": "1", "KEYS": "1"}
    env = {f"LAWS_{name}": text for name, text in (place | numbers).items()}
    bare = "import sys, runpy; sys.modules['cashews'] = None; sys.argv = ['', 'cashews', '', 'poison'];"
    # When a law is put to one
    done = subprocess.run(
        [sys.executable, "-c", f"{bare} runpy.run_module('benchmarks.libraries', run_name='__main__')"],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # Then the process says which package it lacks
    assert json.loads(done.stdout) == {"missing": "cashews"}, done.stderr


def row_of(peer: str, way: str, law: str, cell: str) -> LawRow:
    return LawRow(f"{law}: {peer}", 0.0, "", peer=peer, way=way, law=law, cell=cell)


def test_the_table_has_a_line_for_each_peer_and_way() -> None:
    # Given rows of a peer, of one of its ways, and of ours, and one that adds nothing to its cell
    rows: list[Row] = [
        row_of("cacheops", "", "stale_set", "STALE"),
        row_of("cacheops", "", "frozen", "> 15 s, 0 of 10"),
        row_of("cacheops", "", "frozen", ""),
        row_of("cacheops", "keep_fresh", "stale_set", "fresh"),
        row_of("ours", "", "stale_set", "fresh"),
        Row("not of a law", 1.0, "ms"),
    ]
    # When the table is made
    _, _, rule, *lines = laws.closing(rows).splitlines()
    # Then a law that a peer was not put to is a dash, and a way shows only what it changes
    assert [line.split() for line in lines] == [
        ["cacheops", "STALE", "-", "-", ">", "15", "s,", "0", "of", "10", "-", "-"],
        ["keep_fresh", "fresh"],
        ["ours", "fresh", "-", "-", "-", "-", "-"],
    ]
    assert lines[0].index("STALE") == lines[1].rindex("fresh") == rule.index(" -") + 1


def test_the_widest_table_fits_a_terminal() -> None:
    # Given the longest name and cell of every column
    widest = {
        "stale_set": "not run",
        "cold": "40, 1,135 ms",
        "stale": "40, 1,135 ms",
        "frozen": "10.0 s, 10 raise",
        "poison": "raises 3/3, 10 lost",
        "clear": "999 ms, takes all",
    }
    rows = [row_of(peer.title, peer.way, law, cell) for peer in PEERS for law, cell in widest.items()]
    assert max(map(len, laws.closing(rows).splitlines())) <= 120
