"""The layer's errors, one family under `CachingError`, and the errors of PostgreSQL that a caller can handle."""

from __future__ import annotations

from django.db import Error
from psycopg_pool import PoolTimeout

# PostgreSQL is unreachable, refuses the statement, or has no free connection.
DATABASE_ERRORS = (Error, PoolTimeout)


class CachingError(Exception):
    """Base of the layer's own errors. What a loader raises is passed on unchanged."""


class StoreUnavailable(CachingError):
    """Redis did not answer.

    After a failed read, go to PostgreSQL and fill nothing. After a failed erasure, old values may be served.
    `unknown` is True if increments in the same round trip may have run.
    """

    def __init__(self, message: str, unknown: bool = False) -> None:
        super().__init__(message)
        self.unknown = unknown


class LoaderBackedOff(CachingError):
    """A loader has just failed, so it is not called for `retry_after` seconds, and there is no entry to answer."""

    def __init__(self, namespace: str, retry_after: float) -> None:
        super().__init__(f"loading {namespace} failed a moment ago")
        self.retry_after = retry_after


class IncrementRefused(CachingError):
    """Neither Redis nor PostgreSQL accepted an increment, or it is unknown whether Redis did. Do not retry it."""

    def __init__(self, family: str) -> None:
        super().__init__(f"an increment of {family} was refused")


class UnknownNamespace(CachingError, LookupError):
    """No resource of this process has the namespace: the module that declares it was not imported."""


class CodecError(CachingError, ValueError):
    """The bytes cannot be unpacked: an unknown codec or dictionary, a damaged frame, or a size over the limit."""


class BadEntry(CachingError, ValueError):
    """The bytes are not a valid entry: truncated, damaged, foreign, or of another format."""


class CannotTrain(CachingError, ValueError):
    """There are too few bodies, or they have nothing in common that a dictionary could hold."""
