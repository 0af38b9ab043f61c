"""Runs the scripts of deploy/bin as an orchestrator would: in a process group, with its environment and signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = ROOT / "deploy" / "bin"


def free_port() -> int:
    """Return a port of the loopback address on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Return as soon as condition holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.05)


class Service:
    """One started script; its output goes to a file beside its name."""

    def __init__(self, argv: list[str], env: dict[str, str], log: Path) -> None:
        self.env = env
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                argv, env=env, cwd=ROOT, stdout=output, stderr=output, start_new_session=True
            )

    def stop(self, patience: float) -> int:
        """Send SIGTERM and return the exit code; fail if it takes longer than `patience` seconds."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(patience)

    def kill(self) -> None:
        """Kill the rest of its process group."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.process.wait()


def is_healthy(name: str, env: dict[str, str]) -> bool:
    """Run the health check of a service as its container would."""
    argv = [str(SCRIPTS / "healthy"), name]
    return subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, timeout=30, check=False).returncode == 0
