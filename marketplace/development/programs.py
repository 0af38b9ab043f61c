"""The process table of bin/dev: how web, worker and beat are started."""

from __future__ import annotations

import sys
from pathlib import Path

from . import servers
from .bootstrap.ports import HOST
from .process import Process

STOP_ORDER = ("beat", "worker", "web", *servers.NAMES)
WEB_WORKERS = 2
WEB_THREADS = 4
JOB_PROCESSES = 2


def web(port: int, env: dict[str, str]) -> Process:
    """Return the web server on the loopback address."""
    options = [
        "--interface",
        "wsgi",
        "--host",
        HOST,
        "--port",
        str(port),
        "--no-ws",
        "--respawn-failed-workers",
    ]
    options += [
        "--workers",
        str(WEB_WORKERS),
        "--blocking-threads",
        str(WEB_THREADS),
        "--workers-kill-timeout",
        "8",
    ]
    return Process("web", _python("granian", *options, "marketplace.wsgi:application"), env, patience=12.0)


def worker(env: dict[str, str]) -> Process:
    """Return the Celery worker of all queues."""
    options = ["--concurrency", str(JOB_PROCESSES), "-Q", "celery,jobs,events", "--prefetch-multiplier", "1"]
    options += ["--without-gossip", "--without-mingle", "-l", "INFO"]
    # On SIGTERM a worker finishes the tasks that it has begun.
    return Process("worker", _celery("worker", *options), env, patience=20.0, ready_text=" ready.")


def beat(env: dict[str, str], schedule: Path) -> Process:
    """Return the scheduler. It needs no pid file, since the supervisor starts only one."""
    return Process("beat", _celery("beat", "-s", str(schedule), "--pidfile", "", "-l", "INFO"), env, patience=5.0)


def manage(name: str, env: dict[str, str], *arguments: str) -> Process:
    """Return a management command, under a short name for its output."""
    return Process(name, [sys.executable, "manage.py", *arguments], env)


def prepare(env: dict[str, str], *, seed: bool) -> Process:
    """Return the process that migrates and seeds, in one so that Django is loaded once."""
    return Process("setup", _python("marketplace.development.prepare", *(["--seed"] if seed else [])), env)


def _celery(*arguments: str) -> list[str]:
    # Celery warns at each start if it runs as root, which is no news on a developer's machine.
    quiet = ("-W", "ignore::UserWarning:celery.platforms")
    return [sys.executable, *quiet, "-m", "celery", "-A", "marketplace", *arguments]


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
