"""A pytest plugin: each worker of a parallel run gets a Redis database of its own, before Django reads its URL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import redis

_worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
_number = 1 + int(_worker.removeprefix("gw") or 0)

if "REDIS_URL" in os.environ:
    os.environ["REDIS_URL"] = urlunsplit(urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{_number}"))


def pytest_report_header() -> str | None:
    """Say which server it is, since that depends on what the machine has."""
    if "REDIS_URL" not in os.environ:
        return None
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        return f"redis: {server_of(client.info('server'))}"


def server_of(info: Mapping[str, Any]) -> str:
    """Return name and version from INFO; Valkey also reports the version of Redis that it is compatible with."""
    return f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {info['redis_version']}"
