"""A caching layer on Redis in front of PostgreSQL that knows no product, no offer and no user.

The owner of some data declares a `Policy` and a loader in its own `cache.py`; this package does the rest:
read-through with soft and hard TTLs, guarded fills, invalidation after commit, write-behind counters,
an index of deadlines, and jobs of which at most one runs. `docs/caching.md` tells the life of a key.

What is imported here is its public face. Importing it reads no settings and opens no socket.
"""

from __future__ import annotations

from caching.entries.named_values import get_compressed, set_compressed
from caching.entries.policy import Policy
from caching.errors import LoaderBackedOff
from caching.readthrough.aio import afetch, afetch_many, ainvalidate
from caching.readthrough.batch import Batch, fetch_many
from caching.readthrough.decorators import stale_while_revalidate
from caching.readthrough.fetch import Found, State, fetch
from caching.readthrough.invalidation import clear, invalidate
from caching.readthrough.source import Load, Source, register

__all__ = [
    "Batch",
    "Found",
    "Load",
    "LoaderBackedOff",
    "Policy",
    "Source",
    "State",
    "afetch",
    "afetch_many",
    "ainvalidate",
    "clear",
    "fetch",
    "fetch_many",
    "get_compressed",
    "invalidate",
    "register",
    "set_compressed",
    "stale_while_revalidate",
]
