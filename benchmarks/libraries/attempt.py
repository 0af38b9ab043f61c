"""A call to a peer that may fail; the exception it raised is an outcome like any other."""

from __future__ import annotations

import time
from types import TracebackType


class Attempt:
    """Times a `with` block and keeps the name of any exception that ends it, as a caller of the peer would get it."""

    def __init__(self) -> None:
        self.raised = ""
        self.seconds = 0.0
        self._began = 0.0

    def __enter__(self) -> Attempt:
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.seconds = time.perf_counter() - self._began
        if kind is None or not issubclass(kind, Exception):
            return False
        self.raised = kind.__name__
        return True
