"""The pool of database connections is sized to the threads that a web process answers with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
# What a process needs from the machine, without the configuration of the tests themselves.
MACHINE = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PYTHONPATH", "LANG")}
_PRINT = """
import json
from marketplace import settings
print(json.dumps(settings.DATABASES["default"]))
"""


def database(environment: str = "development", **variables: str) -> dict[str, Any]:
    """Return the settings of the database that a process with these variables has."""
    env = {
        "DJANGO_ENV": environment,
        "DJANGO_SECRET_KEY": "s3cret-" * 10,
        "DJANGO_ALLOWED_HOSTS": "market.example.com",
        "DATABASE_URL": "postgresql://user:password@127.0.0.1:5/marketplace",
        "REDIS_URL": "redis://127.0.0.1:5/0",
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "-c", _PRINT],
        cwd=ROOT,
        env={**MACHINE, **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("environment", ["development", "production"])
def test_a_process_has_a_connection_for_each_thread_and_one_to_spare(environment: str) -> None:
    found = database(environment, WEB_THREADS="7")

    assert found["OPTIONS"]["pool"]["max_size"] == 8
    assert found["OPTIONS"]["pool"]["min_size"] <= 8


def test_connections_belong_to_the_pool_and_are_checked_before_use() -> None:
    found = database(WEB_THREADS="7")

    assert found["CONN_MAX_AGE"] == 0
    assert found["CONN_HEALTH_CHECKS"] is True


def test_the_size_can_be_set_apart_from_the_threads() -> None:
    found = database(WEB_THREADS="7", DB_POOL_MAX="20", DB_POOL_MIN="3", DB_POOL_TIMEOUT_SECONDS="1.5")

    assert found["OPTIONS"]["pool"] == {"min_size": 3, "max_size": 20, "timeout": 1.5}


def test_tests_have_no_pool_which_would_keep_their_database_from_being_dropped() -> None:
    assert "pool" not in database("test")["OPTIONS"]
