"""A worker or a beat beside the benchmark, started as bin/dev starts it."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from benchmarks.harness.server import stop
from marketplace.development.process import Process, die_with_parent

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 30.0


class ServiceFailed(Exception):
    """The service ended, or its output did not say that it is ready."""


@contextlib.contextmanager
def service(process: Process) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process, ready if its output says when it is, and stop it afterwards. Raises ServiceFailed."""
    with tempfile.NamedTemporaryFile(prefix=f"{process.name}-") as log:
        popen = subprocess.Popen(
            process.argv,
            cwd=_ROOT,
            env=process.env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        try:
            _await_ready(popen, process, log)
            yield popen
        finally:
            stop(popen, process)


def _await_ready(popen: subprocess.Popen[bytes], process: Process, log: IO[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.ready_text.encode() not in (said := Path(log.name).read_bytes()):
        if popen.poll() is not None or time.monotonic() > deadline:
            raise ServiceFailed(said[-200:].decode(errors="replace"))
        time.sleep(0.05)
