"""Supervision: restarts, the order of stopping, and that no process outlives the supervisor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marketplace.development import identity
from marketplace.development.backoff import Backoff
from marketplace.development.run_files import wait_until

PROGRAM = Path(__file__).with_name("supervised.py")
ROOT = Path(__file__).resolve().parents[2]
PATIENT = "trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done"
STUBBORN = "trap '' TERM; while :; do sleep 0.05; done"

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a supervisor of scripts by name, and wait until all of them have been started."""
    started: list[subprocess.Popen[str]] = []

    def begin(**scripts: str) -> subprocess.Popen[str]:
        arguments = [f"{name}={script}" for name, script in scripts.items()]
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(tmp_path), *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        while process.stdout.readline() not in ("dev | up\n", ""):
            pass
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def pid_of(name: str, local_dir: Path) -> int:
    return int(json.loads((local_dir / "run" / f"{name}.json").read_text())["pid"])


def test_processes_end_one_after_the_other_in_order(start: Start) -> None:
    process = start(a=PATIENT, b=PATIENT, c=PATIENT)

    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=15)

    assert [line for line in output.splitlines() if "bye" in line] == ["a   | bye", "b   | bye", "c   | bye"]
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_stop_signal_ends_processes_that_ignore_it_with_their_children(
    number: signal.Signals, start: Start, tmp_path: Path
) -> None:
    process = start(a=f"({STUBBORN}) & {STUBBORN}")
    session = pid_of("a", tmp_path)

    process.send_signal(number)

    assert process.wait(15) == 0
    assert identity.members(session) == []
    assert not (tmp_path / "run" / "a.json").exists()


@pytest.mark.fault
def test_a_killed_process_is_started_again(start: Start, tmp_path: Path) -> None:
    process = start(a=PATIENT)
    first = pid_of("a", tmp_path)

    os.kill(first, signal.SIGKILL)

    assert process.stdout is not None
    assert process.stdout.readline() == "a   | was killed by signal 9; starting it again in 0.5 s\n"
    path = tmp_path / "run" / "a.json"
    assert wait_until(lambda: path.exists() and pid_of("a", tmp_path) != first, 10)


@pytest.mark.slow
def test_a_process_that_cannot_live_ends_everything(start: Start, tmp_path: Path) -> None:
    process = start(good=PATIENT, bad="echo broken; exit 3")
    session = pid_of("good", tmp_path)

    output, _ = process.communicate(timeout=30)

    assert process.returncode == 1
    assert "bad ended with code 3, again and again" in output
    assert identity.members(session) == []


@pytest.mark.fault
def test_a_killed_supervisor_takes_its_processes_with_it(start: Start, tmp_path: Path) -> None:
    process = start(a=PATIENT)
    session = pid_of("a", tmp_path)

    process.kill()

    assert wait_until(lambda: not identity.members(session), 10)


def test_delays_double_and_quick_deaths_in_a_row_end_the_restarts() -> None:
    backoff = Backoff()

    assert [backoff.after_death(lived=1.0) for _ in range(5)] == [0.5, 1.0, 2.0, 4.0, None]


def test_a_long_run_resets_the_backoff() -> None:
    backoff = Backoff(deaths=4)

    assert backoff.after_death(lived=3600.0) == 0.5
