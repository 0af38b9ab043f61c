"""bin/dev: the whole marketplace on this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from . import programs, run_files, servers, welcome
from .bootstrap import options, ports, preflight
from .bootstrap.errors import StartupError
from .console import Console
from .process import Running
from .state import LocalState, write_private
from .supervisor import Stopped, Supervisor

NAME_WIDTH = 8
READY_SECONDS = 60.0
QUIET_SECONDS = 15.0
HAND_VARIABLES = (
    "DATABASE_URL",
    "REDIS_URL",
    "DJANGO_SETTINGS_MODULE",
    "DJANGO_ENV",
    "DJANGO_SECRET_KEY",
    "LOCAL_DIR",
)


def main() -> int:
    """Run until a signal asks to stop; return 0 then, and 1 when something failed."""
    arguments = options.dev_parser().parse_args()
    state = LocalState(Path(os.environ["LOCAL_DIR"]))
    console = Console(sys.stdout, NAME_WIDTH)
    try:
        with only_one(state):
            return _serve(arguments, state, console)
    except StartupError as error:
        print(f"bin/dev: {error}", file=sys.stderr)
        return 1


def _serve(arguments: argparse.Namespace, state: LocalState, console: Console) -> int:
    for name in run_files.end_leftovers(state, (*programs.STOP_ORDER, "setup", "warm")):
        console.line("dev", f"ended {name}, left over from a start that was killed")
    ports.require_free(arguments.port)
    supervisor = Supervisor(state, console, programs.STOP_ORDER)
    try:
        _start(arguments, state, console, supervisor)
        supervisor.watch()
    except Stopped:
        console.line("dev", "stopping")
    finally:
        supervisor.stop()
    console.line("dev", "stopped; the data stays")
    return 0


def _start(arguments: argparse.Namespace, state: LocalState, console: Console, supervisor: Supervisor) -> None:
    began = time.monotonic()
    wanted = servers.embedded(state, os.environ, lambda text: console.line("dev", text))
    servers.start(wanted, supervisor)
    env = servers.environment(state, wanted, "development")
    write_environment(state, env)
    supervisor.run(programs.prepare(env, seed=not arguments.no_seed))
    web = supervisor.start(programs.web(arguments.port, env))
    supervisor.await_ready(web, lambda: answers(arguments.port, "/readyz"), READY_SECONDS)
    workers = [] if arguments.no_workers else _start_workers(supervisor, env, state)
    supervisor.run(programs.manage("warm", env, "warm_cache"))
    # The table is printed after the worker's banner, which would push it off the screen. It waits at most QUIET_SECONDS
    # for a worker that says nothing.
    deadline = time.monotonic() + QUIET_SECONDS
    supervisor.watch(lambda: all(one.channel.heard for one in workers) or time.monotonic() > deadline)
    seconds = time.monotonic() - began
    seeded = not arguments.no_seed
    console.plain(welcome.table(arguments.port, state.root, seeded=seeded, workers=bool(workers), seconds=seconds))


def _start_workers(supervisor: Supervisor, env: dict[str, str], state: LocalState) -> list[Running]:
    """Start worker and beat, and return those whose output says when they are ready."""
    worker = supervisor.start(programs.worker(env))
    beat = supervisor.start(programs.beat(env, state.root / "celerybeat-schedule"))
    worker.ready = beat.ready = True
    return [worker]


@contextlib.contextmanager
def only_one(state: LocalState) -> Iterator[None]:
    """Lock this LOCAL_DIR until the process ends, however it ends, or raise StartupError."""
    descriptor = os.open(preflight.lock_path(state.run.parent), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        preflight.take_lock(descriptor, state.root)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def answers(port: int, path: str) -> bool:
    """Return whether the web server answers a path with 200."""
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def write_environment(state: LocalState, env: dict[str, str]) -> None:
    """Write LOCAL_DIR/env, with which manage.py reaches the same servers from another terminal."""
    write_private(state.root / "env", "".join(f"{name}={shlex.quote(env[name])}\n" for name in HAND_VARIABLES))


if __name__ == "__main__":
    sys.exit(main())
