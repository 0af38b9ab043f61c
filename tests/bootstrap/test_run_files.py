"""Processes left behind are found by pid and start time, and nothing else is ever ended."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace.development import identity, run_files, throwaway
from marketplace.development.run_files import RunFile
from marketplace.development.state import LocalState

SLEEP = "import time; time.sleep(60)"
WITH_CHILD = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); time.sleep(60)"


@pytest.fixture
def state(tmp_path: Path) -> LocalState:
    return LocalState(tmp_path)


@pytest.fixture
def started(state: LocalState) -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def leader(program: str, state: LocalState, started: list[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    env = {**os.environ, "LOCAL_DIR": str(state.root)}
    process = subprocess.Popen([sys.executable, "-c", program], env=env, start_new_session=True)
    started.append(process)
    return process


def record(process: subprocess.Popen[bytes]) -> RunFile:
    return RunFile("web", process.pid, identity.started(process.pid) or "", signal.SIGTERM, 5.0)


def test_a_process_left_behind_is_ended_and_named(state: LocalState, started: list[subprocess.Popen[bytes]]) -> None:
    process = leader(SLEEP, state, started)
    record(process).write(state)

    ended = run_files.end_leftovers(state, ["worker", "web"])

    assert ended == ["web"]
    assert process.wait(5) == -signal.SIGTERM
    assert not (state.run / "web.json").exists()


def test_a_stranger_that_got_the_pid_is_left_alone(state: LocalState, started: list[subprocess.Popen[bytes]]) -> None:
    # given a run file whose pid belongs to a process that started at another time, elsewhere
    stranger = leader(SLEEP, LocalState(state.root / "elsewhere"), started)
    dataclasses.replace(record(stranger), started="boot:1").write(state)

    # when
    ended = run_files.end_leftovers(state, ["web"])

    # then
    assert ended == []
    assert stranger.poll() is None


def test_children_of_a_killed_leader_are_ended(state: LocalState, started: list[subprocess.Popen[bytes]]) -> None:
    # given a leader that was killed and left a child in its session
    process = leader(WITH_CHILD, state, started)
    left = record(process)
    assert run_files.wait_until(lambda: len(identity.members(process.pid)) == 2, 10)
    process.kill()
    process.wait()
    assert len(left.remaining(state)) == 1

    # when
    assert left.end(state)

    # then
    assert identity.members(process.pid) == []


def test_a_spoilt_run_file_is_removed(state: LocalState) -> None:
    (state.run / "web.json").write_text('{"name": "web"')

    assert run_files.end_leftovers(state, ["web"]) == []
    assert not (state.run / "web.json").exists()


def test_directories_of_killed_runs_are_removed_and_those_of_living_ones_kept(tmp_path: Path) -> None:
    # given three temporary directories: of a dead process, of this one, and one without an owner yet
    made = {name: tmp_path / f"{throwaway.PREFIX}{name}" for name in ("dead", "alive", "new")}
    for path in made.values():
        path.mkdir()
    (made["dead"] / throwaway.OWNER).write_text(f"{os.getpid()} boot:1")
    (made["alive"] / throwaway.OWNER).write_text(f"{os.getpid()} {identity.started(os.getpid())}")

    throwaway.remove_abandoned(tmp_path)

    assert {name: path.exists() for name, path in made.items()} == {"dead": False, "alive": True, "new": True}
