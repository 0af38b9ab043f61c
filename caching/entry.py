"""The envelope round a cached value: what it is, when it was loaded, and whether it arrived whole.

Layout, big-endian, 26 bytes and then the packed body:

    format 1 | codec 1 | flags 1 | unused 1 | schema 2 | generation 4 | loaded 8 (ms) | fresh for 4 (ms) | crc32 4

The checksum covers everything but itself. Freshness counts from the start of the load, because that is the
moment whose state of the database the value shows.
"""

from __future__ import annotations

import struct
from typing import NamedTuple
from zlib import crc32

from caching import codec

FORMAT = 1
_HEADER = struct.Struct(">BBBxHIQI")
_CHECKSUM = struct.Struct(">I")
HEADER_BYTES = _HEADER.size + _CHECKSUM.size
_NEGATIVE = 1


class BadEntry(ValueError):
    """The bytes are no entry of ours: truncated, damaged, foreign, or of another format."""


class Entry(NamedTuple):
    """A value as it was loaded, or the knowledge that there is none (`negative`)."""

    body: bytes
    negative: bool
    schema: int
    generation: int
    loaded_ms: int
    fresh_ms: int

    def is_fresh(self, now_ms: int) -> bool:
        return now_ms < self.loaded_ms + self.fresh_ms


def encode(entry: Entry, floor: int = codec.FLOOR_BYTES) -> bytes:
    """Return the bytes that Redis keeps for an entry; a body under `floor` bytes is not packed."""
    tag, packed = codec.pack(entry.body, floor)
    header = _HEADER.pack(
        FORMAT,
        tag,
        _NEGATIVE if entry.negative else 0,
        entry.schema,
        entry.generation,
        entry.loaded_ms,
        entry.fresh_ms,
    )
    return header + _CHECKSUM.pack(crc32(packed, crc32(header))) + packed


def decode(data: bytes) -> Entry:
    """Return the entry that `encode` was given, or raise BadEntry."""
    try:
        format_, tag, flags, schema, generation, loaded_ms, fresh_ms = _HEADER.unpack_from(data)
        (checksum,) = _CHECKSUM.unpack_from(data, _HEADER.size)
    except struct.error as error:
        raise BadEntry(f"{len(data)} bytes are no entry") from error
    packed = data[HEADER_BYTES:]
    if format_ != FORMAT or checksum != crc32(packed, crc32(data[: _HEADER.size])):
        raise BadEntry("wrong format or checksum")
    if tag != codec.RAW:
        try:
            packed = codec.unpack(tag, packed)
        except codec.CodecError as error:
            raise BadEntry(str(error)) from error
    return Entry(packed, bool(flags & _NEGATIVE), schema, generation, loaded_ms, fresh_ms)
