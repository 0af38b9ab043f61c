"""Settings of the backends: a wrong one stops the start with a line that names it and repeats no secret."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
GOOD = {
    "DJANGO_SECRET_KEY": "s3cret-" * 10,
    "DJANGO_ALLOWED_HOSTS": "market.example.com",
    "DATABASE_URL": "postgresql://user:password@127.0.0.1:5/marketplace",
    "REDIS_URL": "redis://127.0.0.1:5/0",
}
HOOK = {"OFFER_EVENTS_BACKEND": "webhook", "OFFER_WEBHOOK_URL": "https://example.com/h", "OFFER_WEBHOOK_SECRET": SECRET}
MAIL = {"OFFER_EVENTS_BACKEND": "email", "OFFER_EMAIL_FROM": "a@example.com", "EMAIL_URL": "smtp://mail.example.com:25"}
# The environment of the machine, without the variables that configure the tests themselves.
MACHINE = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PYTHONPATH", "LANG")}
_PRINT_SETTINGS = """
import json
from marketplace import settings
names = ("BACKEND", "HOST", "PORT", "USE_TLS", "HOST_PASSWORD", "TIMEOUT")
names = ("OFFER_EVENTS_BACKEND", *(f"EMAIL_{name}" for name in names))
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


def load(kind: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process of its own."""
    env = {**MACHINE, **GOOD, "DJANGO_ENV": kind, **variables}
    command = [sys.executable, "-c", _PRINT_SETTINGS]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("kind", "changes", "named"),
    [
        ("development", {"OFFER_EVENTS_BACKEND": "carrier pigeon"}, "OFFER_EVENTS_BACKEND"),
        ("development", {**HOOK, "OFFER_WEBHOOK_URL": ""}, "OFFER_WEBHOOK_URL"),
        ("development", {**HOOK, "OFFER_WEBHOOK_URL": "ftp://example.com/h"}, "OFFER_WEBHOOK_URL"),
        ("production", {**HOOK, "OFFER_WEBHOOK_URL": "http://example.com/h"}, "OFFER_WEBHOOK_URL"),
        ("production", {**HOOK, "OFFER_WEBHOOK_URL": "https://a:hunter2@example.com/"}, "OFFER_WEBHOOK_URL"),
        ("development", {**HOOK, "OFFER_WEBHOOK_SECRET": ""}, "OFFER_WEBHOOK_SECRET"),
        ("development", {**HOOK, "OFFER_WEBHOOK_SECRET": "hunter2"}, "OFFER_WEBHOOK_SECRET"),
        ("development", {**HOOK, "OFFER_WEBHOOK_SECRET": "whsec_hunter2!"}, "OFFER_WEBHOOK_SECRET"),
        ("development", {**HOOK, "OFFER_WEBHOOK_SECRET": "whsec_c2hvcnQ="}, "OFFER_WEBHOOK_SECRET"),
        ("development", {**MAIL, "OFFER_EMAIL_FROM": ""}, "OFFER_EMAIL_FROM"),
        ("production", {**MAIL, "EMAIL_URL": ""}, "EMAIL_URL"),
        ("development", {**MAIL, "EMAIL_URL": "pigeon://hunter2@example.com"}, "EMAIL_URL"),
        ("development", {"OFFER_REMINDER_SECONDS": "-1"}, "OFFER_REMINDER_SECONDS"),
        ("development", {"OFFER_EVENT_ATTEMPTS": "0"}, "OFFER_EVENT_ATTEMPTS"),
    ],
)
def test_a_start_is_refused_with_the_name_of_the_setting(kind: str, changes: dict[str, str], named: str) -> None:
    done = load(kind, **changes)

    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured: ")
    assert named in last
    assert "hunter2" not in last


@pytest.mark.parametrize(
    ("kind", "changes", "backend"),
    [
        ("production", {}, "none"),
        ("development", {}, "console"),
        ("test", {}, "console"),
        ("production", HOOK, "webhook"),
        ("development", {**HOOK, "OFFER_WEBHOOK_URL": "http://127.0.0.1:9/"}, "webhook"),
        ("production", MAIL, "email"),
    ],
)
def test_a_complete_configuration_starts(kind: str, changes: dict[str, str], backend: str) -> None:
    done = load(kind, **changes)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["OFFER_EVENTS_BACKEND"] == backend


def test_a_mail_server_is_one_url_and_has_a_timeout() -> None:
    done = load("production", **MAIL | {"EMAIL_URL": "smtp+tls://bea:pa%2Fss@mail.example.com:587"})

    assert json.loads(done.stdout) == {
        "OFFER_EVENTS_BACKEND": "email",
        "EMAIL_BACKEND": "offers.delivery.smtp.Smtp",
        "EMAIL_HOST": "mail.example.com",
        "EMAIL_PORT": 587,
        "EMAIL_USE_TLS": True,
        "EMAIL_HOST_PASSWORD": "pa/ss",
        "EMAIL_TIMEOUT": 5,
    }
