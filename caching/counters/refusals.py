"""Increments that nothing could accept: counted, and logged once a second however many they are."""

from __future__ import annotations

import logging
import threading
import time

from caching import metrics

logger = logging.getLogger(__name__)

_EVERY_SECONDS = 1.0
_lock = threading.Lock()
_unsaid = 0
_next_line = 0.0


def refuse(family: str, amount: int, reason: str) -> None:
    """Note that increments were refused. Reasons are `unknown` (a reply was lost, so they may have been counted),
    `full` (the spill has no room) and `database` (PostgreSQL is away too)."""
    global _unsaid, _next_line
    metrics.VIEWS_REFUSED.labels(family, reason).inc(amount)
    with _lock:
        _unsaid += amount
        now = time.monotonic()
        if now < _next_line:
            return
        said, _unsaid, _next_line = _unsaid, 0, now + _EVERY_SECONDS
    logger.error("%d increments were refused since the last such line, one of %s now: %s", said, family, reason)
