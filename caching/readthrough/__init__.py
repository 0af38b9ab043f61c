"""Read-through: a read answers an entry, loads it under a lease, waits, refreshes, or falls back to PostgreSQL."""

from __future__ import annotations
