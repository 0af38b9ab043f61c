"""Statistics that Redis reports: version, memory, keys and hit rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caching.redis.connections import Role, client, one_server

_MB = 1024 * 1024


def redis_stats() -> dict[str, Any]:
    """Return the statistics of the cache's Redis by name, and under `state` those of the other one if there are two.

    Memory is in MB. `hit_rate` is between 0 and 1, since that Redis started (None before its first read). Raises
    `REDIS_ERRORS`.
    """
    stats = _describe("cache")
    if not one_server():
        stats["state"] = _describe("state")
    return stats


def _describe(role: Role) -> dict[str, Any]:
    info: Mapping[str, Any] = client(role).info()
    hits, misses = int(info["keyspace_hits"]), int(info["keyspace_misses"])
    return {
        "redis_version": str(info["redis_version"]),
        "memory_used_mb": round(info["used_memory"] / _MB, 2),
        "memory_peak_mb": round(info["used_memory_peak"] / _MB, 2),
        "memory_limit_mb": round(info["maxmemory"] / _MB, 2) or None,
        "memory_fragmentation": info.get("mem_fragmentation_ratio"),
        "eviction_policy": info.get("maxmemory_policy"),
        "connected_clients": info["connected_clients"],
        "total_keys": sum(db["keys"] for name, db in info.items() if name.startswith("db") and isinstance(db, dict)),
        "hit_rate": round(hits / (hits + misses), 4) if hits + misses else None,
        "hits": hits,
        "misses": misses,
        "evicted_keys": info["evicted_keys"],
        "expired_keys": info["expired_keys"],
        "operations_per_second": info["instantaneous_ops_per_sec"],
        "uptime_seconds": info["uptime_in_seconds"],
    }
