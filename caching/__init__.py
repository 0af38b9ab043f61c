"""A caching layer on Redis in front of PostgreSQL. It knows no product, no offer and no user.

The owner of some data declares a `resource` in its `cache.py`: a policy, a loader, and the row changes that invalidate
it. This package provides read-through with soft and hard TTLs, guarded fills, and invalidation after commit. The other
public packages are `caching.counters`, `.deadlines`, `.jobs`, `.http` and `.redis`. Start at docs/first-resource.md.
Importing it reads no settings, loads no models and opens no socket.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from caching.clock import system_ms
from caching.entries.named_values import get_compressed, set_compressed
from caching.entries.policy import Policy
from caching.errors import (
    DATABASE_ERRORS,
    BadEntry,
    CachingError,
    CannotTrain,
    CodecError,
    IncrementRefused,
    LoaderBackedOff,
    StoreUnavailable,
    UnknownNamespace,
)
from caching.ids import MAX_ID, row_id
from caching.keys import Id
from caching.readthrough.aio import afetch, afetch_many, ainvalidate
from caching.readthrough.batch import (
    Batch,
    BatchLookup,
    Request,
    complete_many,
    fetch_many,
    read_all_once,
    read_many_once,
)
from caching.readthrough.declaration import resource, withdraw
from caching.readthrough.decorators import stale_while_revalidate
from caching.readthrough.fetch import Found, Lookup, complete, fetch, read_once
from caching.readthrough.forget import Change, Forget
from caching.readthrough.invalidation import clear, forget, invalidate
from caching.readthrough.loader import Load, Loader
from caching.readthrough.origin import Origin, State
from caching.readthrough.refresh import prefetch, refresh
from caching.readthrough.resource import Resource
from caching.readthrough.warming import warm_cache
from caching.upkeep.checks import verify
from caching.upkeep.stats import redis_stats
from caching.upkeep.steps import add_cleanup_step

if TYPE_CHECKING:
    from caching.management.base import HelpfulCommand
    from caching.management.progress import Progress

__all__ = [
    "DATABASE_ERRORS",
    "MAX_ID",
    "BadEntry",
    "Batch",
    "BatchLookup",
    "CachingError",
    "CannotTrain",
    "Change",
    "CodecError",
    "Forget",
    "Found",
    "HelpfulCommand",
    "Id",
    "IncrementRefused",
    "Load",
    "Loader",
    "LoaderBackedOff",
    "Lookup",
    "Origin",
    "Policy",
    "Progress",
    "Request",
    "Resource",
    "State",
    "StoreUnavailable",
    "UnknownNamespace",
    "add_cleanup_step",
    "afetch",
    "afetch_many",
    "ainvalidate",
    "clear",
    "complete",
    "complete_many",
    "fetch",
    "fetch_many",
    "forget",
    "get_compressed",
    "invalidate",
    "prefetch",
    "read_all_once",
    "read_many_once",
    "read_once",
    "redis_stats",
    "refresh",
    "resource",
    "row_id",
    "set_compressed",
    "stale_while_revalidate",
    "system_ms",
    "verify",
    "warm_cache",
    "withdraw",
]

# Only management commands use these, and importing them would slow the start of every process.
_LATER = {"HelpfulCommand": "caching.management.base", "Progress": "caching.management.progress"}


def __getattr__(name: str) -> Any:
    """Import a name of `_LATER` when it is first used (PEP 562)."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
