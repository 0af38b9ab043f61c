"""What every test has: a PostgreSQL database and a Redis database of its own, both real."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient

from caching.entries import dictionaries
from caching.entries.journal import journal
from caching.readthrough.worker_health import worker_health
from caching.redis.connections import client, pool
from tests import emptying
from tests.faults.redis_servers import RedisServer, redirected
from tests.quick import LEFT_OUT
from tests.task_queue import Queue

# A busy machine is no failure of the code under test.
hypothesis_settings.register_profile("suite", deadline=None)
hypothesis_settings.load_profile("suite")

# What a new connection sends, and what a connection sends that was idle for a second.
_UPKEEP = frozenset({"HELLO", "AUTH", "CLIENT", "SELECT", "PING"})


@pytest.fixture(scope="session", autouse=True)
def _emptying() -> Iterator[None]:
    with emptying.in_place_of_django():
        yield


@pytest.fixture(autouse=True)
def redis_state() -> Iterator[redis.Redis]:
    """The test's own Redis database, empty, and a process that remembers no outage.

    The journal is trusted throughout, and the process does not poll for dictionaries, so that no test has an extra
    query. The tests of the journal and of the dictionaries change that for themselves.
    """
    if pool("state").breaker.is_open:
        # The previous test opened it, when its Redis was away.
        pool("state").reset()
    state = client("state")
    state.flushdb()
    journal.trust(3600)
    worker_health.start_afresh()
    dictionaries.registry.start_afresh(poll_at=math.inf)
    return state


@pytest.fixture
def own_server(redis_state: redis.Redis, tmp_path: Path) -> Iterator[redis.Redis]:
    """The test's own Redis server, in the place of the one that all processes of a parallel run share.

    It is for what concerns all databases of a server, such as SCRIPT FLUSH, which costs others a round trip more.
    """
    with RedisServer(tmp_path / "redis") as server, redirected(server.port):
        yield client("state")


@pytest.fixture(autouse=True)
def quick_hashing(settings: Any) -> None:
    """Hash passwords quickly; the slow hash has a test of its own."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def queue(redis_state: redis.Redis) -> Queue:
    """The Celery queue of the test, which can read and run its messages."""
    return Queue(redis_state)


@pytest.fixture
def api() -> APIClient:
    """A client without credentials; unhandled errors come back as the answers that users would get."""
    return APIClient(raise_request_exception=False)


@pytest.fixture
def as_user() -> Callable[[Any], APIClient]:
    """Return a client that sends a real token of a user."""
    from knox.models import AuthToken

    def login(user: Any) -> APIClient:
        _, token = AuthToken.objects.create(user)
        api_client = APIClient(raise_request_exception=False)
        api_client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        return api_client

    return login


@pytest.fixture
def redis_commands() -> Callable[[], AbstractContextManager[list[list[str]]]]:
    """Return a context whose list holds the commands of each round trip to Redis made in it.

    The handshake of a new connection and the probe of an idle one are left out: they depend on the tests before and on
    how busy the machine is.
    """

    @contextmanager
    def watch() -> Iterator[list[list[str]]]:
        trips: list[list[str]] = []
        send = redis.connection.AbstractConnection.send_packed_command

        def recorded(self: Any, command: Any, check_health: bool = True) -> Any:
            packed = b"".join(command) if isinstance(command, list) else command
            names = _names(packed)
            if not _UPKEEP.issuperset(names):
                trips.append(names)
            return send(self, command, check_health)

        redis.connection.AbstractConnection.send_packed_command = recorded
        try:
            yield trips
        finally:
            redis.connection.AbstractConnection.send_packed_command = send

    return watch


def _names(packed: bytes) -> list[str]:
    """Return the command names in the bytes of a request (RESP arrays of bulk strings)."""
    names: list[str] = []
    position = 0
    while position < len(packed):
        end = packed.index(b"\r\n", position)
        parts = []
        count = int(packed[position + 1 : end])
        position = end + 2
        for _ in range(count):
            end = packed.index(b"\r\n", position)
            size = int(packed[position + 1 : end])
            parts.append(packed[end + 2 : end + 2 + size])
            position = end + 2 + size + 2
        names.append(parts[0].decode())
    return names


@pytest.fixture
def process_env(request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment for a process of its own on the test's databases; needs a test that commits."""
    settings = connection.settings_dict
    user, password = settings["USER"], settings["PASSWORD"]
    host, port, name = settings["HOST"], settings["PORT"], settings["NAME"]
    return {**os.environ, "DATABASE_URL": f"postgresql://{user}:{password}@{host}:{port}/{name}"}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first: one that began last would keep one process busy while the others are idle."""
    long = {item.path for item in items if not LEFT_OUT.isdisjoint(mark.name for mark in item.iter_markers())}
    items.sort(key=lambda item: (item.path.stem != "test_random_run", item.path not in long))
