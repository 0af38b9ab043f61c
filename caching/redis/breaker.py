"""The circuit breaker: a Redis that failed once is not asked again until it has answered a probe.

The first failure opens it, so a dead or frozen server costs one timeout in all, not one for each call. A thread of its
own sends the probes, so no request waits for one. The first probe is sent at once, so a connection that was cut opens
the breaker only briefly.
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
    """The breaker of one Redis, `server`. `probe` returns whether it answers, and is called every `every` seconds.

    Both may be changed at any time, also while it is open.
    """

    def __init__(self, probe: Callable[[], bool], every: float = PROBE_SECONDS, server: str = "redis") -> None:
        self.is_open = False
        self._server = server
        self.probe = probe
        self.every = every
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise BreakerOpen while Redis has not answered a probe."""
        if self.is_open:
            raise BreakerOpen("Redis did not answer and is being probed")

    def failed(self) -> None:
        """Record a failure: open, and probe until Redis answers."""
        with self._lock:
            if self.is_open:
                return
            probe = threading.Thread(target=self._until_answered, name="redis-probe", daemon=True)
            self.is_open = True
            try:
                probe.start()
            except RuntimeError:
                # No thread could be started, so nothing would close it again. The next failure retries.
                self.is_open = False
                return
        metrics.BREAKER_OPENED.labels(self._server).inc()
        metrics.BREAKERS_OPEN.labels(self._server).inc()
        logger.warning("Redis at %s failed; reads go to PostgreSQL until it answers a probe", self._server)

    def _until_answered(self) -> None:
        began = time.monotonic()
        while not self.probe():
            time.sleep(self.every)
        self.is_open = False
        metrics.BREAKERS_OPEN.labels(self._server).dec()
        logger.warning("Redis at %s answers again after %.1f s", self._server, time.monotonic() - began)
