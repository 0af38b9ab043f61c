"""A process of the marketplace: its definition, and one run of it."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import identity
from .account import Account
from .console import Channel
from .run_files import RunFile

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Process:
    """What to start.

    patience is the time in seconds between stop_signal and SIGKILL; ready_text is what the output contains when the
    process is ready, for processes that no probe can ask.
    """

    name: str
    argv: list[str]
    env: dict[str, str]
    stop_signal: int = signal.SIGTERM
    patience: float = 10.0
    account: Account | None = None
    directory: Path | None = None
    ready_text: str = ""


class Running:
    """One run of a process, as leader of its own session, with its output read from a pipe.

    With columns, the output is read from a pseudo-terminal of that width, so that the process draws progress bars.
    """

    def __init__(self, process: Process, channel: Channel, columns: int | None = None) -> None:
        self.process = process
        self.channel = channel
        self.began = time.monotonic()
        self.ready = False
        self.output, theirs = _terminal(columns) if columns else os.pipe()
        account = process.account
        self.popen = subprocess.Popen(
            process.argv,
            env=process.env,
            cwd=process.directory,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=die_with_parent(process.stop_signal),
        )
        os.close(theirs)
        os.set_blocking(self.output, False)

    @property
    def pid(self) -> int:
        return self.popen.pid

    def run_file(self) -> RunFile:
        """Return the record by which a later start can find this process."""
        process = self.process
        started = identity.started(self.pid) or "ended"
        return RunFile(process.name, self.pid, started, process.stop_signal, process.patience)

    def ended(self) -> bool:
        """Return whether the process has ended; its pid and group stay reserved until finish()."""
        if self.popen.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def signal(self, signal_number: int) -> None:
        """Signal the process alone, and not its group."""
        if not self.ended():
            os.kill(self.pid, signal_number)

    def kill(self) -> None:
        """Kill the whole group at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def finish(self) -> int:
        """Kill the rest of the group, pass on the last output, and return the exit code (negative: a signal)."""
        self.kill()
        code = self.popen.wait()
        self.read()
        self.channel.close()
        os.close(self.output)
        return code

    def read(self) -> bool:
        """Pass on the output so far; return False at its end."""
        while True:
            try:
                chunk = os.read(self.output, 65536)
            except BlockingIOError:
                return True
            except OSError:
                # A pseudo-terminal reports its end as an input/output error.
                return False
            if not chunk:
                return False
            self.channel.feed(chunk)


def die_with_parent(signal_number: int) -> Callable[[], None]:
    """Return a preexec function: the kernel signals the child when this process dies, however it dies.

    The child must be started from the main thread: PR_SET_PDEATHSIG refers to the thread that started it.
    """
    parent = os.getpid()

    def prepare() -> None:
        # A shell starts background commands with SIGINT ignored, which the child would inherit.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        LIBC.prctl(PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _terminal(columns: int) -> tuple[int, int]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    return ours, theirs
