"""Other processes for tests of the cache, with a Redis of their own if they need one.

Run as a module it is the other process: it reads calls from its standard input, and answers them.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parent.parent.parent


def env_with_redis(env: Mapping[str, str], port: int) -> dict[str, str]:
    """Return an environment whose Redis, for every role, listens on another port; the database stays."""
    apart = ("REDIS_CACHE_URL", "REDIS_STATE_URL", "CELERY_BROKER_URL")
    url = urlsplit(env["REDIS_URL"])._replace(netloc=f"127.0.0.1:{port}")
    return {name: value for name, value in env.items() if name not in apart} | {"REDIS_URL": urlunsplit(url)}


class OtherProcess:
    """A Python process with the project set up. It calls functions of the test's own module, by name."""

    def __init__(self, env: Mapping[str, str]) -> None:
        settings = {"DJANGO_SETTINGS_MODULE": "marketplace.settings", "DJANGO_ENV": "test"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.caching.other_process"],
            env={**env, **settings},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, act: Callable[..., Any], *args: Any) -> None:
        """Make it call a function of a module; `answer` returns the result."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([act.__module__, act.__qualname__, args]) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """Return what the oldest unanswered call returned. Raises EOFError if the process has died."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise EOFError("the other process is dead")
        return json.loads(line)

    def call(self, act: Callable[..., Any], *args: Any) -> Any:
        """Make it call a function, and return the result."""
        self.begin(act, *args)
        return self.answer()

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def ready() -> bool:
    """The call for a process that only has to be up."""
    return True


def _serve() -> None:
    import django

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # output of logs and prints must not mix with the answers
    django.setup()
    for line in sys.stdin:
        module, name, args = json.loads(line)
        act = getattr(importlib.import_module(module), name)
        answers.write(json.dumps(act(*args)) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve()
