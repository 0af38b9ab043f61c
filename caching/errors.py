"""What can go wrong in the layer: one family, `CachingError`, and the errors of PostgreSQL that a caller can handle."""

from __future__ import annotations

from django.db import Error
from psycopg_pool import PoolTimeout

# PostgreSQL is unreachable, refuses the statement, or has no free connection.
DATABASE_ERRORS = (Error, PoolTimeout)


class CachingError(Exception):
    """Base of everything that the layer raises by itself. What a loader raises passes through as it is."""


class StoreUnavailable(CachingError):
    """Redis did not answer. Of a read: go to PostgreSQL and fill nothing. Of an erasure: old values may be served.

    `unknown` says that increments in the same round trip may have run all the same.
    """

    def __init__(self, message: str, unknown: bool = False) -> None:
        super().__init__(message)
        self.unknown = unknown


class LoaderBackedOff(CachingError):
    """A loader has just failed, so it is left alone for `retry_after` seconds, and there is nothing else to answer."""

    def __init__(self, namespace: str, retry_after: float) -> None:
        super().__init__(f"loading {namespace} failed a moment ago")
        self.retry_after = retry_after


class IncrementRefused(CachingError):
    """Neither Redis nor PostgreSQL took an increment, or nobody knows whether Redis did. Do not repeat it."""

    def __init__(self, family: str) -> None:
        super().__init__(f"an increment of {family} was refused")


class UnknownNamespace(CachingError, LookupError):
    """No resource of this process has the namespace: the module that declares it was not imported."""


class CodecError(CachingError, ValueError):
    """The bytes cannot be unpacked: an unknown codec or dictionary, a damaged frame, or a size over the limit."""


class BadEntry(CachingError, ValueError):
    """The bytes are no entry of ours: truncated, damaged, foreign, or of another format."""


class CannotTrain(CachingError, ValueError):
    """There are too few bodies, or they have nothing in common that a dictionary could hold."""
