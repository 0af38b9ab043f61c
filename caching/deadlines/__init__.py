"""A sorted set in Redis that follows the deadlines of a table."""

from __future__ import annotations
