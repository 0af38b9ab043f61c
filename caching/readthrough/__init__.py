"""What a read does with what it found: answer, load under a lease, wait, refresh, or fall back to PostgreSQL."""

from __future__ import annotations
