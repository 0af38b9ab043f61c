"""The facts about the servers, from real ones."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from caching.upkeep.servers import ask_postgres, ask_redis
from tests.faults.redis_servers import RedisServer, redirected


def test_a_redis_tells_its_policy_limit_and_whether_it_writes_to_disk(tmp_path: Path) -> None:
    # Given one with a limit and an append-only file
    options = ["--maxmemory", "64mb", "--maxmemory-policy", "volatile-lfu", "--appendonly", "yes"]
    with RedisServer(tmp_path / "redis", *options) as server, redirected(server.port):
        # When it is asked
        facts = ask_redis("state")
        # Then all of that is known, and its clock is that of this machine
        assert (facts.role, facts.policy, facts.limit, facts.persistent) == ("state", "volatile-lfu", 64 * 2**20, True)
        assert facts.version is not None
        assert facts.version >= (6, 2)
        assert facts.run_id == server.client.info("server")["run_id"]
        assert abs(facts.ahead) < 1


def test_a_redis_without_file_and_snapshots_is_not_persistent(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server, redirected(server.port):
        assert ask_redis("cache").persistent is False


@pytest.mark.django_db
def test_the_clock_of_postgresql_is_compared_with_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert abs(ask_postgres()) < 1
    # Given a machine whose clock is an hour behind
    real = time.time
    monkeypatch.setattr("caching.upkeep.servers.time.time", lambda: real() - 3600)
    # Then PostgreSQL's is ahead by that
    assert 3590 < ask_postgres() < 3610
