"""Times every transaction of this process, without sampling."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from benchmarks.harness.pause import Pause

# Characters kept of a statement, to identify it.
_CHARS = 50


@dataclass(slots=True)
class Took:
    """The number of transactions, the seconds of the longest, and its first statement."""

    count: int = 0
    longest: float = 0.0
    sql: str = ""


class Transactions:
    """A wrapper of `connection.execute` that times transactions, for one thread: from before the first statement is
    sent until the commit is answered. A statement outside a transaction is one itself.

    A process that is asked to pause stops before a transaction begins.
    """

    def __init__(self, pause: Pause) -> None:
        self.took = Took()
        self._pause = pause
        self._began: float | None = None
        self._sql = ""

    def watch(self) -> Transactions:
        """Time what this thread's connection sends from now on, and return self."""
        connection.execute_wrappers.append(self)
        # The driver sends these, past every wrapper.
        for name in ("commit", "rollback"):
            setattr(connection, name, self._ending(getattr(connection, name)))
        return self

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if self._began is None:
            self._pause.here()
            self._began, self._sql = time.monotonic(), sql
        try:
            return execute(sql, params, many, context)
        finally:
            if not context["connection"].in_atomic_block:
                self._end()

    def _ending(self, end: Callable[[], None]) -> Callable[[], None]:
        def timed() -> None:
            try:
                end()
            finally:
                self._end()

        return timed

    def _end(self) -> None:
        if self._began is None:
            return
        seconds, self._began = time.monotonic() - self._began, None
        self.took.count += 1
        if seconds > self.took.longest:
            self.took.longest, self.took.sql = seconds, " ".join(self._sql.split())[:_CHARS]
