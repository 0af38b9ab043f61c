"""Runs one command on servers of its own, with the terminal to itself."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

from . import servers, throwaway
from .bootstrap.errors import StartupError
from .process import die_with_parent
from .supervisor import Stopped, Supervisor

PATIENCE_SECONDS = 15.0


def run(command: str, argv: Sequence[str], kind: str, *, durable: bool) -> int:
    """Start throw-away servers, run argv beside them and return its exit code. Messages begin with `command`."""
    with throwaway.local_state() as state:
        supervisor = Supervisor(state, None, servers.NAMES)
        try:
            wanted = servers.embedded(state, os.environ, _printer(command), durable=durable)
            servers.start(wanted, supervisor)
            return _run_beside(supervisor, argv, servers.environment(state, wanted, kind))
        except StartupError as error:
            print(f"{command}: {error}", file=sys.stderr)
            return 1
        except Stopped:
            return 130
        finally:
            supervisor.stop()


def _run_beside(supervisor: Supervisor, argv: Sequence[str], env: dict[str, str]) -> int:
    # The process stays in the terminal's foreground process group, so it gets Ctrl-C itself and a debugger can read
    # keys.
    process = subprocess.Popen(argv, env=env, preexec_fn=die_with_parent(signal.SIGTERM))
    signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        supervisor.watch(lambda: process.poll() is not None)
    except (Stopped, StartupError):
        # An interrupt lets pytest tear down and print its summary.
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_SECONDS)
        process.kill()
        process.wait()
        raise
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _printer(command: str) -> Callable[[str], None]:
    return lambda text: print(f"{command}: {text}", file=sys.stderr)
