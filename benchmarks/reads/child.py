"""Processes of ours that may be frozen, starved or killed, which take orders as lines of JSON."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.libraries import ours
from benchmarks.libraries.launch import Launcher
from benchmarks.libraries.own_servers import ended, kill
from marketplace.development.process import die_with_parent

_RUN_SECONDS = 180.0
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Child:
    """A running process."""

    process: subprocess.Popen[str]
    launched: Launcher

    def order(self, what: Any) -> None:
        """Send it a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """Return the next line it prints. Raises PeerFailed if it has ended."""
        assert self.process.stdout is not None
        return self.launched.answer(self.process.stdout.readline())

    def kill(self) -> None:
        """Send it SIGKILL, and wait for its end."""
        kill(self.process)
        self.process.wait()


@contextlib.contextmanager
def child(act: str, launched: Launcher) -> Iterator[Child]:
    """Yield a process that runs an act of `benchmarks.reads` in the place of a launcher; then kill it."""
    env = {
        **os.environ,
        **launched.place.environment(),
        **ours.environment(launched.place.redis_url, launched.place.timeout),
    }
    argv = [sys.executable, "-m", "benchmarks.reads", act]
    with launched.log.open("ab") as log, ended(_start(argv, env, log)) as process:
        watchdog = threading.Timer(_RUN_SECONDS, kill, [process])
        watchdog.daemon = True
        watchdog.start()
        try:
            yield Child(process, launched)
        finally:
            watchdog.cancel()


def _start(argv: list[str], env: dict[str, str], log: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        argv,
        cwd=_ROOT,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGKILL),
    )
