"""The circuit breaker: a Redis that failed once is not asked again until it has answered a probe.

The first failure opens it, so a dead or frozen server costs one timeout and not one a call. A probe in a thread of
its own closes it, so no request waits to find out; the first one follows at once, and a connection that was merely
cut costs milliseconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from caching import metrics
from caching.redis.errors import BreakerOpen

logger = logging.getLogger(__name__)

PROBE_SECONDS = 1.0


class Breaker:
    """Whether one Redis is worth asking. `probe` asks it and says whether it answered; `server` names it."""

    def __init__(self, probe: Callable[[], bool], every: float = PROBE_SECONDS, server: str = "redis") -> None:
        self.is_open = False
        self._server = server
        self._probe = probe
        self._every = every
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise BreakerOpen if there is no point in asking."""
        if self.is_open:
            raise BreakerOpen("Redis did not answer and is being probed")

    def failed(self) -> None:
        """Note a failure: open, and probe until it answers."""
        with self._lock:
            if self.is_open:
                return
            probe = threading.Thread(target=self._until_answered, name="redis-probe", daemon=True)
            self.is_open = True
            try:
                probe.start()
            except RuntimeError:
                # Nobody could close it again; the next failure tries once more.
                self.is_open = False
                return
        metrics.BREAKER_OPENED.labels(self._server).inc()
        metrics.BREAKERS_OPEN.labels(self._server).inc()
        logger.warning("Redis at %s failed; reads go to PostgreSQL until it answers a probe", self._server)

    def _until_answered(self) -> None:
        began = time.monotonic()
        while not self._probe():
            time.sleep(self._every)
        self.is_open = False
        metrics.BREAKERS_OPEN.labels(self._server).dec()
        logger.warning("Redis at %s answers again after %.1f s", self._server, time.monotonic() - began)
