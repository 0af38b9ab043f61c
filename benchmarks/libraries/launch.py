"""Starts the processes that put laws to a peer, on a Redis of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from benchmarks.libraries import ours
from benchmarks.libraries.own_servers import ended, kill, make_things, own_redis
from benchmarks.libraries.peer import Peer, Place
from marketplace.development.process import die_with_parent

_START_SECONDS = 20.0
_RUN_SECONDS = 180.0
_ROOT = Path(__file__).resolve().parents[2]


class PeerFailed(Exception):
    """A peer is not installed, or ended or did not answer before it had an outcome."""


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starts processes of one peer in one place; their stderr goes to a log."""

    peer: type[Peer]
    place: Place
    python: str
    log: Path

    def run(self, law: str) -> Any:
        """Put one law to the peer in a process, and return what it printed. Raises PeerFailed."""
        with self.log.open("ab") as log, ended(self._start(law, log, subprocess.DEVNULL)) as process:
            try:
                printed, _ = process.communicate(timeout=_RUN_SECONDS)
            except subprocess.TimeoutExpired:
                raise PeerFailed(f"no outcome in {_RUN_SECONDS:.0f} s") from None
        return self.answer(printed.strip().rpartition("\n")[2])

    @contextlib.contextmanager
    def crowd(self, law: str, processes: int) -> Iterator[list[tuple[IO[str], IO[str]]]]:
        """Yield the stdin and stdout of processes that are ready. Raises PeerFailed."""
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(self.log.open("ab"))
            started = [stack.enter_context(ended(self._start(law, log, subprocess.PIPE))) for _ in range(processes)]
            # Ends the processes of a peer that does not answer, so that readers of their pipes see the end.
            watchdog = threading.Timer(_RUN_SECONDS, lambda: [kill(process) for process in started])
            stack.callback(watchdog.cancel)
            watchdog.daemon = True
            watchdog.start()
            pipes = [(process.stdin, process.stdout) for process in started if process.stdin and process.stdout]
            for _, stdout in pipes:
                self.answer(stdout.readline())
            yield pipes

    @contextlib.contextmanager
    def worker(self) -> Iterator[None]:
        """Run the background worker that refreshes, which only ours has."""
        if not issubclass(self.peer, ours.Ours):
            yield
            return
        path = self.log.with_suffix(".worker")
        with path.open("wb") as log, ended(self._popen(self.peer.worker(), log, subprocess.DEVNULL)) as process:
            deadline = time.monotonic() + _START_SECONDS
            while b" ready." not in path.read_bytes():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise PeerFailed(f"the worker did not start: {_last_line(path)}")
                time.sleep(0.05)
            yield

    def answer(self, line: str) -> Any:
        """Return the outcome in one line of a process. Raises PeerFailed."""
        if not line:
            raise PeerFailed(_last_line(self.log))
        said = json.loads(line)
        if isinstance(said, dict) and "missing" in said:
            raise PeerFailed(f"not installed (no module {said['missing']})")
        return said

    def _start(self, law: str, log: IO[bytes], stdin: int) -> subprocess.Popen[str]:
        argv = [self.python, "-m", "benchmarks.libraries", self.peer.title, self.peer.way, law]
        return self._popen(argv, log, stdin)

    def _popen(self, argv: Sequence[str], log: IO[bytes], stdin: int) -> subprocess.Popen[str]:
        env = {**os.environ, **self.place.environment()}
        if issubclass(self.peer, ours.Ours):
            env |= ours.environment(self.place.redis_url, self.place.timeout)
        else:
            env.pop("DJANGO_SETTINGS_MODULE", None)
        return subprocess.Popen(
            argv,
            cwd=_ROOT,
            env=env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )


@contextlib.contextmanager
def launcher(peer: type[Peer], python: str, keys: int, **asked: Any) -> Iterator[Launcher]:
    """Yield a launcher with an empty Redis and a fresh table of things; `asked` goes to the place.

    Raises PeerFailed where the environment of the peers is missing.
    """
    own = issubclass(peer, ours.Ours)
    if not own and not Path(python).exists():
        raise PeerFailed(f"not installed: there is no {python}")
    make_things(os.environ["DATABASE_URL"])
    with tempfile.TemporaryDirectory(prefix="laws-") as directory, own_redis(Path(directory)) as (url, pid):
        tally = str(Path(directory) / "tally")
        place = Place(url, pid, os.environ["DATABASE_URL"], tally, keys=keys)
        # Ours takes its timeout from the settings.
        patience = place.timeout if peer.timeout is not None else None
        place = replace(place, **{"timeout": patience, **asked})
        yield Launcher(peer, place, sys.executable if own else python, Path(directory) / "log")


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines() if log.exists() else []
    return lines[-1][:200] if lines else "it ended without output"
