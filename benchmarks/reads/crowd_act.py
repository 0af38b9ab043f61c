"""One process of a stampede, whose threads read a thing through `fetch`, or by redis-py's GET."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, cast

from django.db import connection

from benchmarks.libraries import stampede
from benchmarks.libraries.ours_source import THINGS
from benchmarks.libraries.peer import Peer
from benchmarks.reads import raw
from benchmarks.reads.crowd import RAW
from caching import fetch


class _Reader:
    """Reads things by id, and for RAW a key of Redis without this layer."""

    def __init__(self) -> None:
        self._client: Any = raw.client()

    def read(self, id: int) -> None:
        if id == RAW:
            self._client.get("floor")
        else:
            # As at the end of a request, which returns the connection to the pool.
            with closing(connection):
                fetch(THINGS, id)


def crowd() -> Iterator[Any]:
    """Serve rounds until there are no more orders."""
    stampede.inside(cast(Peer, _Reader()))
    return iter(())
