"""Production does not start on unsafe settings, and says in one line why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
KEY = "s3cret-" * 10
GOOD = {
    "DJANGO_ENV": "production",
    "DJANGO_SECRET_KEY": KEY,
    "DJANGO_ALLOWED_HOSTS": "market.example.com",
    "DATABASE_URL": "postgresql://user:password@127.0.0.1:5/marketplace",
    "REDIS_URL": "redis://127.0.0.1:5/0",
}
# What a process needs from the machine, without the configuration of the tests themselves.
MACHINE = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PYTHONPATH", "LANG")}


def manage(*arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**MACHINE, **env}, capture_output=True, text=True, timeout=120, check=False
    )


def load(**changes: str | None) -> subprocess.CompletedProcess[str]:
    """Read the settings alone."""
    env = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    command = [sys.executable, "-c", "import marketplace.settings"]
    return subprocess.run(
        command, cwd=ROOT, env={**MACHINE, **env}, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"DJANGO_SECRET_KEY": "change-me-to-50-random-characters"}, "DJANGO_SECRET_KEY"),
        ({"DJANGO_SECRET_KEY": "short"}, "DJANGO_SECRET_KEY"),
        ({"DJANGO_SECRET_KEY": "a" * 60}, "DJANGO_SECRET_KEY"),
        ({"DJANGO_SECRET_KEY": None}, "DJANGO_SECRET_KEY"),
        ({"DJANGO_SECRET_KEY": ""}, "DJANGO_SECRET_KEY"),
        ({"DJANGO_DEBUG": "true"}, "DJANGO_DEBUG"),
        ({"DJANGO_ALLOWED_HOSTS": "*"}, "DJANGO_ALLOWED_HOSTS"),
        ({"DJANGO_ALLOWED_HOSTS": "ok.example.com,*.example.com"}, "DJANGO_ALLOWED_HOSTS"),
        ({"DJANGO_ALLOWED_HOSTS": ".example.com"}, "DJANGO_ALLOWED_HOSTS"),
        ({"DJANGO_ALLOWED_HOSTS": ""}, "DJANGO_ALLOWED_HOSTS"),
        ({"DJANGO_ALLOWED_HOSTS": None}, "DJANGO_ALLOWED_HOSTS"),
        ({"DJANGO_ENV": "staging"}, "DJANGO_ENV"),
        ({"DJANGO_ENV": "Production"}, "DJANGO_ENV"),
        ({"DJANGO_ENV": None, "DJANGO_DEBUG": "true"}, "DJANGO_DEBUG"),
        ({"DATABASE_URL": None}, "DATABASE_URL"),
        ({"REDIS_URL": None}, "REDIS_URL"),
        ({"THROTTLE_LOGIN": "often"}, "THROTTLE_LOGIN"),
        ({"THROTTLE_WRITE": "0/min"}, "THROTTLE_WRITE"),
        ({"VIEW_WINDOW_SECONDS": "-1"}, "VIEW_WINDOW_SECONDS"),
        ({"VIEW_UNIQUE_DAYS": "-7"}, "VIEW_UNIQUE_DAYS"),
        ({"COUNTER_SPILL_ROWS": "-1"}, "COUNTER_SPILL_ROWS"),
    ],
)
def test_a_start_is_refused_with_the_name_of_what_to_set(changes: dict[str, str | None], named: str) -> None:
    done = load(**changes)

    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured: ")
    assert named in last


def test_a_refusal_does_not_repeat_the_key() -> None:
    assert "hunter2" not in load(DJANGO_SECRET_KEY="hunter2").stderr


@pytest.mark.parametrize("environment", ["development", "test"])
def test_a_machine_of_ones_own_may_debug(environment: str) -> None:
    done = load(DJANGO_ENV=environment, DJANGO_DEBUG="true", DJANGO_ALLOWED_HOSTS=None, DJANGO_SECRET_KEY="short")

    assert done.returncode == 0, done.stderr


def test_production_starts_on_good_settings_and_djangos_own_check_has_no_complaint() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING")

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_manage_py_says_the_same() -> None:
    done = manage("check", DATABASE_URL=None)

    assert done.returncode != 0
    assert "DATABASE_URL is not set" in done.stderr
