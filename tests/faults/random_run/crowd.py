"""The process that starts the crowd, kills its members at random and starts others: crowd.py FOLDER SECONDS.

Members are forked, so a new one starts fast, and are killed by SIGKILL. After this storm comes a calm, in which readers
go on, but nothing is written and no member is killed.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import django
from celery import current_app
from kombu.transport import resolve_transport

CALM_SECONDS = 6.0
_PATIENCE_SECONDS = 30.0


class Crowd:
    """The members by process id, each with its work and its number; a number is never used again."""

    def __init__(self, folder: Path, seconds: float) -> None:
        from tests.faults.random_run import members
        from tests.faults.random_run.log import Log

        self._folder = folder
        self._log = Log(folder, 0)
        self._storm_ends = time.monotonic() + seconds
        self._ends = {members.read: self._storm_ends + CALM_SECONDS}
        self._work: dict[int, tuple[Callable[..., None], int]] = {}
        self._numbers = 0
        self._mortal = (members.read, members.write)
        for work in [members.read] * 4 + [members.write] * 3 + [members.harm]:
            self._start(work)

    def storm(self) -> None:
        """Kill a reader or a writer every now and then, until the storm is over."""
        while (left := self._storm_ends - time.monotonic()) > 0:
            time.sleep(min(left, random.uniform(0.2, 0.8)))
            victim = random.choice([process for process, (work, _) in self._work.items() if work in self._mortal])
            self._kill(victim)

    def wait(self) -> int:
        """Wait until all members have ended by themselves; return how many failed or did not end."""
        deadline = time.monotonic() + CALM_SECONDS + _PATIENCE_SECONDS
        failed = 0
        for process in self._work:
            while (ended := os.waitpid(process, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
                time.sleep(0.02)
            if ended == (0, 0):
                os.kill(process, signal.SIGKILL)
                ended = os.waitpid(process, 0)
            failed += ended[1] != 0
        return failed

    def _start(self, work: Callable[..., None]) -> None:
        self._numbers += 1
        parent = os.getpid()
        process = os.fork()
        if process == 0:
            os._exit(self._live(work, self._numbers, parent))
        self._work[process] = work, self._numbers

    def _live(self, work: Callable[..., None], number: int, parent: int) -> int:
        from tests.faults.random_run.log import Log

        ends = self._ends.get(work, self._storm_ends)
        try:
            work(Log(self._folder, number), lambda: time.monotonic() >= ends or os.getppid() != parent)
        except BaseException:
            traceback.print_exc()
            return 1
        return 0

    def _kill(self, process: int) -> None:
        from tests.faults.random_run.log import What

        work, number = self._work.pop(process)
        began = time.monotonic_ns()
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        if not os.WIFSIGNALED(status):
            # It had ended by itself, and during the storm only a failure does that.
            sys.exit(f"member {number} ended with status {status}")
        self._log.write(What.KILLED, 0, number, began)
        self._start(work)


def main(folder: str, seconds: str) -> None:
    django.setup()
    # Imported before the forks, so that members do not import it again.
    current_app.loader.import_default_modules()
    resolve_transport("redis")
    from tests.faults.random_run import rows

    rows.announce()
    crowd = Crowd(Path(folder), float(seconds))
    crowd.storm()
    sys.exit(crowd.wait())


if __name__ == "__main__":
    main(*sys.argv[1:])
