"""Child processes on the same servers, which take orders as lines of JSON."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from benchmarks.libraries.own_servers import ended
from marketplace.development.process import die_with_parent

_ROOT = Path(__file__).resolve().parents[2]
_LOOK_SECONDS = 0.001


class ChildFailed(Exception):
    """A child ended before it had answered."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running process; its stderr goes to a log."""

    process: subprocess.Popen[str]
    log: IO[bytes]

    def order(self, what: Any) -> None:
        """Send it a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """Return its next line. Raises ChildFailed."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise ChildFailed(_last_line(self.log))
        return json.loads(line)

    def has_answered(self) -> bool:
        """Return whether the pending answer has come, or the process has ended."""
        return bool(select.select([self.process.stdout], [], [], 0)[0])

    def freeze(self) -> None:
        """Stop it where it is."""
        self.process.send_signal(signal.SIGSTOP)

    def ask(self) -> None:
        """Send the signal that its `harness.pause` handles."""
        self.process.send_signal(signal.SIGUSR1)

    def has_stopped(self) -> bool:
        """Wait until it has stopped itself, as asked; return False if it has answered instead."""
        while not self.has_answered():
            with contextlib.suppress(ChildProcessError):
                if os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOHANG):
                    return True
            time.sleep(_LOOK_SECONDS)
        return False

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def child(room: str, act: str) -> Iterator[Child]:
    """Yield a process that does an act of a package of the benchmarks and is ready; kill it at the end.

    Raises ChildFailed.
    """
    argv = [sys.executable, "-m", f"benchmarks.{room}", act]
    with tempfile.TemporaryFile() as log, ended(_start(argv, log)) as process:
        started = Child(process, log)
        started.answer()
        yield started


def _start(argv: list[str], log: IO[bytes]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        argv,
        cwd=_ROOT,
        env=dict(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGKILL),
    )


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "it ended without output"
