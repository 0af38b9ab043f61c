"""Run files: one per process in LOCAL_DIR/run, by which a new start ends what a killed one left behind."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from . import identity
from .state import LocalState, write_private


@dataclass(frozen=True)
class RunFile:
    """A process that was started as the leader of its own session."""

    name: str
    pid: int
    started: str
    stop_signal: int
    patience: float

    def write(self, state: LocalState) -> None:
        """Record the process."""
        write_private(state.run / f"{self.name}.json", json.dumps(asdict(self)))

    def remaining(self, state: LocalState) -> list[int]:
        """Return the pids of this session that are verified to be ours and still run, the leader first.

        The leader is known by its start time, the others by the LOCAL_DIR that they were started with.
        """
        leader = [self.pid] if identity.started(self.pid) == self.started else []
        others = (pid for pid in identity.members(self.pid) if pid != self.pid)
        return leader + [pid for pid in others if identity.has_variable(pid, "LOCAL_DIR", str(state.root))]

    def end(self, state: LocalState) -> bool:
        """Send the leader its stop signal and, after its patience, the rest SIGKILL; return whether any process ran."""
        remaining = self.remaining(state)
        if not remaining:
            return False
        send(remaining[:1], self.stop_signal)
        wait_until(lambda: not self.remaining(state), self.patience)
        send(self.remaining(state), signal.SIGKILL)
        wait_until(lambda: not self.remaining(state), 5)
        return True


def forget(name: str, state: LocalState) -> None:
    """Remove the run file of a process that has ended."""
    (state.run / f"{name}.json").unlink(missing_ok=True)


def end_leftovers(state: LocalState, order: Iterable[str]) -> list[str]:
    """End the processes that an earlier start left behind, in this order; return the names of those found."""
    ended = []
    for name in order:
        path = state.run / f"{name}.json"
        record = _read(path)
        if record is not None and record.end(state):
            ended.append(name)
        path.unlink(missing_ok=True)
    return ended


def send(pids: Iterable[int], signal_number: int) -> None:
    """Signal each process that still exists."""
    for pid in pids:
        try:
            os.kill(pid, signal_number)
        except ProcessLookupError:
            continue


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Poll until done or until the time is over; return whether it was done."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _read(path: Path) -> RunFile | None:
    try:
        return RunFile(**json.loads(path.read_text("utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
