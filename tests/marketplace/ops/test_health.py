"""Liveness and readiness, with everything up and with each part closed or frozen."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

# In a process of its own, since settings are read once.
_ASK = """
import json, time, django
django.setup()
from django.test import Client
client = Client(raise_request_exception=False)
answers = {}
for path in ("/livez", "/readyz"):
    started = time.monotonic()
    response = client.get(path)
    answers[path] = [response.status_code, response["Content-Type"], response.json(), time.monotonic() - started]
print(json.dumps(answers))
"""


def database_url(port: object = None) -> str:
    params = connection.get_connection_params()
    port = port or params.get("port", 5432)
    return f"postgresql://{params['user']}:{params.get('password', '')}@{params['host']}:{port}/{params['dbname']}"


def ask(**urls: str) -> dict[str, Any]:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "marketplace.settings", "DATABASE_URL": database_url(), **urls}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _ASK], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


@contextmanager
def server(kind: str) -> Iterator[int]:
    """Yield a port that is closed, or where a server accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if kind == "frozen":
            listener.listen(16)
        yield listener.getsockname()[1]


def test_liveness_asks_no_server(api: APIClient, redis_commands: Any) -> None:
    with redis_commands() as trips:
        response = api.get("/livez")

    assert response.status_code == 200
    assert response.json() == {"status": "ok"}
    assert response["Cache-Control"] == "no-store"
    assert trips == []


@pytest.mark.django_db
def test_readiness_names_every_part(api: APIClient, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        response = api.get("/readyz")

    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert body["status"] == "ok"
    assert {name: part["status"] for name, part in body["parts"].items()} == dict.fromkeys(
        ("database", "cache", "state"), "ok"
    )


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/"])
def test_a_head_has_no_body(api: APIClient, path: str, db: None) -> None:
    response = api.head(path)

    assert response.status_code == 200
    assert response.content == b""


@pytest.mark.fault
@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["closed", "frozen"])
def test_without_postgresql_the_process_is_alive_and_not_ready(kind: str) -> None:
    with server(kind) as port:
        answers = ask(DATABASE_URL=database_url(port))

    status, content_type, body, seconds = answers["/readyz"]
    assert (status, content_type, body["code"]) == (503, "application/problem+json", "not_ready")
    assert body["parts"]["database"]["status"] == "down"
    assert body["parts"]["cache"]["status"] == "ok"
    assert seconds < 4
    assert answers["/livez"][0] == 200


@pytest.mark.fault
@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["closed", "frozen"])
def test_without_redis_the_process_is_ready_and_degraded(kind: str) -> None:
    with server(kind) as port:
        answers = ask(REDIS_URL=f"redis://:secret@127.0.0.1:{port}/0")

    status, _, body, seconds = answers["/readyz"]
    assert (status, body["status"]) == (200, "degraded")
    assert body["parts"]["database"]["status"] == "ok"
    assert body["parts"]["cache"]["status"] == body["parts"]["state"]["status"] == "down"
    assert "secret" not in json.dumps(body)
    assert seconds < 4


@pytest.mark.fault
@pytest.mark.django_db
def test_one_redis_of_two_may_be_away() -> None:
    with server("closed") as port:
        answers = ask(REDIS_STATE_URL=settings.REDIS_STATE_URL, REDIS_CACHE_URL=f"redis://127.0.0.1:{port}/0")

    parts = answers["/readyz"][2]["parts"]
    assert (parts["cache"]["status"], parts["state"]["status"]) == ("down", "ok")
