"""One Redis: its clients and pool, the breaker, one round trip, and the scripts."""

from __future__ import annotations
