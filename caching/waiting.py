"""Waiting for what somebody else is loading, instead of loading it once more."""

from __future__ import annotations

import time
from collections.abc import Sequence

from caching.entry import Entry
from caching.keys import Id
from caching.source import Source
from caching.store import StoreUnavailable

_POLL_SECONDS = 0.01


def wait_for(source: Source, ids: Sequence[Id]) -> dict[Id, Entry]:
    """Return the entries that appeared within `policy.wait`, as soon as all are there or Redis is away."""
    found: dict[Id, Entry] = {}
    deadline = time.monotonic() + source.policy.wait
    while len(found) < len(ids) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        try:
            found = source.store.read(ids).entries
        except StoreUnavailable:
            break
    return found
