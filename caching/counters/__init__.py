"""Write-behind counters: increments gather in Redis and reach PostgreSQL once each."""

from __future__ import annotations
