"""The findings of a law as numbers and cells, and whether the reach holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.libraries import clear, crowd, frozen, poison, stale_set
from benchmarks.libraries.attempt import Attempt
from benchmarks.libraries.loader import Loader
from benchmarks.libraries.peer import Place

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("version", "cell", "holds"), [(2, "fresh", True), (1, "STALE", False)])
def test_the_next_read_decides_the_stale_set(version: int, cell: str, holds: bool) -> None:
    (finding,) = stale_set.findings({"reader": [1], "next": version})
    assert (finding.cell, finding.holds) == (cell, holds)


def test_a_crowd_is_judged_by_its_worst_loads_and_its_usual_wait() -> None:
    # Given three rounds, one with an extra load and one with a slow caller
    rounds = [
        {"loads": 1, "slowest": 0.170, "raised": []},
        {"loads": 2, "slowest": 0.180, "raised": []},
        {"loads": 1, "slowest": 0.900, "raised": []},
    ]
    # When they are judged
    loads, slowest = crowd.cold_findings(rounds)
    # Then the extra load counts and the slow caller does not
    assert (loads.measured, loads.holds, loads.cell) == (2, False, "2, 180 ms")
    assert (slowest.measured, slowest.holds) == (pytest.approx(180), True)


def test_a_stale_key_that_nobody_refreshes_does_not_hold() -> None:
    loads, slowest = crowd.stale_findings([{"loads": 0, "slowest": 0.005, "raised": []}])
    assert (loads.holds, slowest.holds) == (False, True)


def test_a_crowd_that_raises_does_not_hold() -> None:
    loads, _ = crowd.cold_findings([{"loads": 1, "slowest": 0.1, "raised": ["LockError"]}])
    assert (loads.holds, loads.said) == (False, "raised LockError")


@pytest.mark.parametrize(
    ("seconds", "finished", "ended", "cell", "holds"),
    [
        (0.26, True, [""] * 10, "0.26 s, answered", [True, True]),
        (10.01, True, ["TimeoutError"] * 10, "10.0 s, 10 raise", [False, False]),
        (15.0, False, ["", "", "", ""], "> 15 s, 4 of 10", [False, False]),
    ],
)
def test_a_frozen_redis_costs_time_or_answers(
    seconds: float, finished: bool, ended: list[str], cell: str, holds: list[bool]
) -> None:
    time_taken, answered = frozen.findings({"seconds": seconds, "finished": finished, "ended": ended})
    assert (time_taken.cell, [time_taken.holds, answered.holds]) == (cell, holds)


def test_a_poisoned_entry_that_raises_loses_its_batch() -> None:
    found = {
        "singles": {"garbage": "ValueError", "truncated": "", "empty": "EOFError"},
        "batch": {"raised": "ValueError", "answered": 0, "loaded": 0},
    }
    single, batch = poison.findings(found)
    assert (single.measured, single.cell, single.holds) == (2, "raises 2/3, 10 lost", False)
    assert (batch.measured, batch.holds, batch.said) == (10, False, "raised ValueError")


def test_a_poisoned_entry_that_is_a_miss_costs_itself() -> None:
    healthy = dict.fromkeys(("garbage", "truncated", "empty"), "")
    single, batch = poison.findings({"singles": healthy, "batch": {"raised": "", "answered": 10, "loaded": 1}})
    assert (single.cell, single.holds, batch.holds) == ("miss, 1 reloaded", True, True)


def test_a_peer_without_batches_has_no_row_of_one() -> None:
    (single,) = poison.findings({"singles": {"garbage": ""}, "batch": None})
    assert single.cell == "miss"


@pytest.mark.parametrize(
    ("kept", "here", "elsewhere", "cell", "harmless"),
    [
        ({"foreign": True, "queue": True}, True, True, "0.40 ms, scoped", True),
        ({"foreign": False, "queue": False}, True, True, "0.40 ms, takes all", False),
        ({"foreign": True, "queue": True}, True, False, "0.40 ms, here only", False),
        ({"foreign": True, "queue": True}, False, False, "0.40 ms, no effect", False),
    ],
)
def test_the_finding_of_a_clear_names_the_processes_it_reached(
    kept: dict[str, bool], here: bool, elsewhere: bool, cell: str, harmless: bool
) -> None:
    found = {"keys": 9, "seconds": 0.0004, "kept": kept, "left": 3, "here": here, "elsewhere": elsewhere}
    time_taken, taken = clear.findings(found)
    assert (time_taken.cell, time_taken.holds, taken.holds) == (cell, True, harmless)


def test_only_the_shipped_way_of_ours_has_a_reach() -> None:
    (finding,) = stale_set.findings({"reader": [1], "next": 2})
    assert finding.row("ours", "", "stale_set", ours=True).holds is True
    assert finding.row("ours", "timeout of 1 s", "stale_set", ours=True).holds is None
    assert finding.row("cashews", "", "stale_set", ours=False).reach == ""


def test_every_load_counts_whichever_process_made_it(tmp_path: Path) -> None:
    # Given two loaders with one tally, as two processes have them
    one, other = (Loader(tmp_path / "tally", 0.0) for _ in range(2))
    # When each loads, the second a batch, after a change that the first alone knows of
    one.change(7, 2)
    version = one(7)["version"]
    other.loaded([1, 2])
    # Then the tally has all of it
    assert (version, one.loads(), other.loads()) == (2, 3, 3)


def test_a_place_arrives_in_another_process_as_it_was() -> None:
    place = Place("redis://x", 42, "postgresql://x", "/tally", 0.15, 1.0, None, 2, 1000)
    assert Place.here(place.environment()) == place


def test_an_attempt_keeps_what_was_raised_but_no_interrupt() -> None:
    with Attempt() as attempt:
        raise ValueError("undecodable")
    assert attempt.raised == "ValueError"
    with pytest.raises(KeyboardInterrupt), Attempt():
        raise KeyboardInterrupt


def test_peers_run_on_the_versions_that_ours_runs_on() -> None:
    def pins(name: str) -> dict[str, str]:
        lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text("utf-8").splitlines())
        return dict(line.split("==") for line in lines if line)

    ours, peers = pins("requirements.txt"), pins("requirements-peers.txt")
    shared = ours.keys() & peers.keys()
    assert {"Django", "django-redis", "redis[hiredis]"} <= shared
    assert {name: peers[name] for name in shared} == {name: ours[name] for name in shared}
