"""The targets of replayed views. Each thread has its own; a view is never sent twice."""

from __future__ import annotations

import http.client
from typing import Literal, Protocol
from urllib.parse import urlsplit

from django.db import connection

from caching import DATABASE_ERRORS, IncrementRefused
from products.view_counts import increment_view

Outcome = Literal["ok", "other", "error"]
Source = Literal["hit", "stale", "miss", ""]
TIMEOUT_SECONDS = 30.0
_HEADERS = {"Accept": "application/json"}


class Target(Protocol):
    """One thread's connection to the site or the service."""

    def send(self, product_id: int) -> tuple[Outcome, Source, str]:
        """Send one view; return (outcome, source of the answer or "", description of a failure or "")."""
        ...

    def close(self) -> None: ...


class HttpTarget:
    """GET of a product over one connection that is kept alive.

    A request without an answer may have counted, so it is reported and not retried; the next one opens a new
    connection. Raises ValueError for a URL that is not http(s)://host.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is not a URL like http://127.0.0.1:8000")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
        self._path = parts.path.rstrip("/") + "/api/v1/products/{}/"

    def send(self, product_id: int) -> tuple[Outcome, Source, str]:
        try:
            self._connection.request("GET", self._path.format(product_id), headers=_HEADERS)
            response = self._connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return "error", "", f"product {product_id}: {type(error).__name__}: {error}"
        source = _source(response.headers.get("Cache-Status", ""))
        if response.status == http.client.OK:
            return "ok", source, ""
        return "other", source, f"product {product_id}: HTTP {response.status}"

    def close(self) -> None:
        self._connection.close()


class ServiceTarget:
    """Calls `increment_view` in this process: no HTTP, and no cache entry is read."""

    def send(self, product_id: int) -> tuple[Outcome, Source, str]:
        try:
            count = increment_view(product_id)
        except (IncrementRefused, *DATABASE_ERRORS) as error:
            return "error", "", f"product {product_id}: {type(error).__name__}: {error}"
        return ("other", "", f"product {product_id}: there is none") if count is None else ("ok", "", "")

    def close(self) -> None:
        # The thread ends now, and no other thread uses its database connection.
        connection.close()


def _source(cache_status: str) -> Source:
    if "stale" in cache_status:
        return "stale"
    if "fwd" in cache_status:
        return "miss"
    return "hit" if "hit" in cache_status else ""
