"""The web server under load, started as bin/dev starts it."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from marketplace.development import programs
from marketplace.development.bootstrap.ports import HOST, free_port
from marketplace.development.process import Process, die_with_parent

START_SECONDS = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


class ServerFailed(Exception):
    """The server ended, or did not answer, before it was ready."""


@dataclass(frozen=True, slots=True)
class WebServer:
    """A running server: where it listens, and the session of its processes."""

    host: str
    port: int
    session: int

    def cpu_seconds(self) -> float:
        """Return the CPU time that all of its processes have used, in steps of 10 ms."""
        return sum(_cpu_ticks(stat, self.session) for stat in Path("/proc").glob("[0-9]*/stat")) / _TICKS


@contextlib.contextmanager
def web_server(environment: Mapping[str, str], adapt: Callable[[list[str]], list[str]] = list) -> Iterator[WebServer]:
    """Yield a server on a free port that already answers, and stop it afterwards. Raises ServerFailed.

    `adapt` may change the command line with which bin/dev starts it.
    """
    started = programs.web(free_port(), dict(environment))
    process = replace(started, argv=adapt(started.argv))
    port = int(process.argv[process.argv.index("--port") + 1])
    with tempfile.TemporaryFile() as log:
        popen = subprocess.Popen(
            process.argv,
            env=process.env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        try:
            _await_answer(popen, port, log)
            try:
                yield WebServer(HOST, port, popen.pid)
            except Exception as error:
                error.add_note(f"The server's log ends with:\n{_end(log)}")
                raise
        finally:
            stop(popen, process)


def _await_answer(popen: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while popen.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            probe = http.client.HTTPConnection(HOST, port, timeout=5)
            probe.request("GET", "/livez")
            if probe.getresponse().status == 200:
                return
        time.sleep(0.05)
    raise ServerFailed(_end(log))


def _end(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read()[-4000:].decode(errors="replace")


def stop(popen: subprocess.Popen[bytes], process: Process) -> None:
    """End a process, and the processes that it has started."""
    popen.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        popen.wait(process.patience)
    # It leads its own group, so this ends only workers that outlived it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(popen.pid, signal.SIGKILL)
    popen.wait()


def _cpu_ticks(stat: Path, session: int) -> int:
    try:
        # The name of the program is in parentheses and may contain any character.
        fields = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12]) if int(fields[3]) == session else 0
