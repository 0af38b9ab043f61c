"""A database and a Redis key prefix of the run's own, so that a benchmark never touches existing data."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

_DELETE_CHUNK = 500


@contextmanager
def own_place() -> Iterator[str]:
    """Set Django up on an empty, migrated database and a key prefix of this run's own; remove both afterwards.

    Yield the name of both. They are on the servers of DATABASE_URL and REDIS_URL, where the role needs the right to
    create databases.
    """
    name = f"bench_{secrets.token_hex(4)}"
    maintenance, redis_url = os.environ["DATABASE_URL"], os.environ["REDIS_URL"]
    _create(maintenance, name)
    try:
        os.environ.update(_environment(maintenance, name))
        _migrate()
        yield name
    finally:
        _close_pool()
        _drop(maintenance, name)
        _delete_keys(redis_url, name)


def _environment(url: str, name: str) -> dict[str, str]:
    return {
        "DATABASE_URL": urlunsplit(urlsplit(url)._replace(path=f"/{name}")),
        # With the pool of a real deployment, which the environment `test` lacks.
        "DJANGO_ENV": "development",
        "DJANGO_SETTINGS_MODULE": "benchmarks.peers.settings",
        "CACHING_KEY_PREFIX": name,
        "CELERY_KEY_PREFIX": f"{name}:q:",
        # No worker runs, so a warm page must stay fresh for as long as a run may take.
        "FEED_SOFT_TTL": "3600",
        "FEED_HARD_TTL": "7200",
        "LOG_LEVEL": "WARNING",
    }


def _migrate() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)


def _close_pool() -> None:
    from django.db import connection

    # A pool whose database is dropped keeps trying to reconnect.
    connection.close()
    connection.close_pool()


def _create(url: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _drop(url: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _delete_keys(url: str, prefix: str) -> None:
    client = redis.Redis.from_url(url)
    found: list[bytes] = []
    for key in client.scan_iter(match=f"{prefix}:*", count=_DELETE_CHUNK):
        found.append(key)
        if len(found) == _DELETE_CHUNK:
            client.unlink(*found)
            found.clear()
    if found:
        client.unlink(*found)
    client.close()
