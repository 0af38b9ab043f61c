"""Direct access of the laws to Redis: finds, damages and multiplies entries past the peer."""

from __future__ import annotations

from typing import Any

import redis

from benchmarks.libraries.peer import Place

_CHUNK = 20_000
# Larger than any id that the laws read.
_FIRST = 1_000_000
# The value is short: a clear by name takes as long, and memory stays small.
_COPY = """
for i = tonumber(ARGV[3]), tonumber(ARGV[4]) do
  redis.call('SET', ARGV[1] .. i .. ARGV[2], 'x', 'PX', 7200000)
end
"""


def connect(place: Place) -> Any:
    """Return a client without a timeout."""
    return redis.Redis.from_url(place.redis_url)


def entries(client: Any) -> list[bytes]:
    """Return the keys of the entries: strings about as long as the longest one, which leaves out stamps and locks."""
    lengths = {key: client.strlen(key) for key in client.scan_iter(_type="string")}
    longest = max(lengths.values(), default=0)
    return sorted(key for key, length in lengths.items() if length > 0.8 * longest)


def fill(client: Any, entry: bytes, id: int, keys: int) -> None:
    """Add that many keys to the namespace of the entry of an id."""
    before, found, after = entry.partition(str(id).encode())
    affixes = (before, after) if found else (entry + b":", b"")
    for start in range(0, keys, _CHUNK):
        client.eval(_COPY, 0, *affixes, _FIRST + start, _FIRST + min(start + _CHUNK, keys) - 1)
