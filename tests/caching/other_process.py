"""Other processes for tests of the cache, with a Redis of their own if they need one.

Each is forked from a server process that has imported the libraries and nothing of the project, so that it starts in a
fraction of the time and reads its own environment.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlsplit, urlunsplit

_LIBRARIES = ["celery", "django.contrib.admin", "factory", "hypothesis", "psycopg", "pytest", "redis", "rest_framework"]
_forkserver = multiprocessing.get_context("forkserver")
_forkserver.set_forkserver_preload(_LIBRARIES)


def env_with_redis(env: Mapping[str, str], port: int) -> dict[str, str]:
    """Return an environment whose Redis, for every role, listens on another port; the database stays."""
    apart = ("REDIS_CACHE_URL", "REDIS_STATE_URL", "CELERY_BROKER_URL")
    url = urlsplit(env["REDIS_URL"])._replace(netloc=f"127.0.0.1:{port}")
    return {name: value for name, value in env.items() if name not in apart} | {"REDIS_URL": urlunsplit(url)}


class OtherProcess:
    """A Python process with the project set up. It calls functions of the test's own module, by name."""

    def __init__(self, env: Mapping[str, str]) -> None:
        settings = {"DJANGO_SETTINGS_MODULE": "marketplace.settings", "DJANGO_ENV": "test"}
        self.calls, theirs = _forkserver.Pipe()
        self.process = _forkserver.Process(target=_serve, args=(theirs, {**env, **settings}))
        self.process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """The pid of the process."""
        assert self.process.pid is not None
        return self.process.pid

    def begin(self, act: Callable[..., Any], *args: Any) -> None:
        """Make it call a function of a module; `answer` returns the result."""
        self.calls.send((act.__module__, act.__qualname__, args))

    def has_answered(self, seconds: float) -> bool:
        """Wait at most this long; return whether there is an answer, or the process has died."""
        return self.calls.poll(seconds)

    def answer(self) -> Any:
        """Return what the oldest unanswered call returned. Raises EOFError if the process has died."""
        try:
            return self.calls.recv()
        except ConnectionResetError as error:
            # It died before it had read all of its calls.
            raise EOFError("the other process is dead") from error

    def call(self, act: Callable[..., Any], *args: Any) -> Any:
        """Make it call a function, and return the result."""
        self.begin(act, *args)
        return self.answer()

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self.process.kill()
        self.process.join()
        self.calls.close()


def ready() -> bool:
    """The call for a process that only has to be up."""
    return True


def _serve(calls: Connection, env: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(env)
    import django

    django.setup()
    while True:
        try:
            module, name, args = calls.recv()
        except EOFError:
            return
        act = getattr(importlib.import_module(module), name)
        calls.send(act(*args))
