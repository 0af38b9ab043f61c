"""A pytest plugin: each worker of a parallel run gets a Redis database of its own, before Django reads its URL."""

from __future__ import annotations

import os
from urllib.parse import urlsplit, urlunsplit

_worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
_number = 1 + int(_worker.removeprefix("gw") or 0)

if "REDIS_URL" in os.environ:
    os.environ["REDIS_URL"] = urlunsplit(urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{_number}"))
