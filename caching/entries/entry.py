"""The envelope around a cached value: 26 bytes, big-endian, and then the packed body.

    format 1 | codec 1 | flags 1 | unused 1 | schema 2 | generation 4 | loaded 8 (ms) | fresh for 4 (ms) | crc32 4

The checksum covers everything but itself. Freshness counts from the start of the load, because the value shows the
database as it was then.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from isal.isal_zlib import crc32

from caching.entries import codec
from caching.errors import BadEntry, CodecError

FORMAT = 1
_COVERED = struct.Struct(">BBBxHIQI")
_CHECKSUM = struct.Struct(">I")
_HEADER = struct.Struct(">BBBxHIQII")
_IDENTITY = struct.Struct(">BBBxHI")
_unpack_times = struct.Struct(">QII").unpack_from
_COVERED_BYTES, _IDENTITY_BYTES = _COVERED.size, _IDENTITY.size
HEADER_BYTES = _HEADER.size
_NEGATIVE = 1
# The clocks of two machines may differ by this much before an entry from one counts as stale on the other.
_CLOCKS_DIFFER_MS = 2000
_unpack_header = _HEADER.unpack_from
# Faster than the constructor of a NamedTuple; a batch makes a hundred entries.
_new_tuple = tuple.__new__


class Entry(NamedTuple):
    """A value as it was loaded, or the record that its row does not exist (`negative`).

    `loaded_ms` is when its load began, in milliseconds since the epoch; it is fresh for `fresh_ms` from then on.
    """

    body: bytes
    negative: bool
    schema: int
    generation: int
    loaded_ms: int
    fresh_ms: int

    def is_fresh(self, now_ms: int) -> bool:
        """Return whether it needs no refresh. An entry from the future came from a wrong clock, and is stale."""
        return -_CLOCKS_DIFFER_MS <= now_ms - self.loaded_ms < self.fresh_ms


def encode(entry: Entry, floor: int | None = None, dictionary: codec.TrainedDictionary | None = None) -> bytes:
    """Return the bytes that Redis stores for an entry; a body under `floor` bytes is not packed."""
    tag, packed = codec.pack(entry.body, floor, dictionary)
    header = _COVERED.pack(
        FORMAT,
        tag,
        _NEGATIVE if entry.negative else 0,
        entry.schema,
        entry.generation,
        entry.loaded_ms,
        entry.fresh_ms,
    )
    return b"".join((header, _CHECKSUM.pack(crc32(packed, crc32(header))), packed))


def decode(data: bytes, find: codec.FindDictionary = codec.find_none) -> Entry:
    """Return the entry that `encode` was given, or raise BadEntry. `find` returns the dictionary of a number."""
    try:
        format_, tag, flags, schema, generation, loaded_ms, fresh_ms, checksum = _unpack_header(data)
    except struct.error as error:
        raise BadEntry(f"{len(data)} bytes are no entry") from error
    body = data[HEADER_BYTES:]
    if checksum != crc32(body, crc32(data[:_COVERED_BYTES])) or format_ != FORMAT:
        raise BadEntry("wrong format or checksum")
    if tag != codec.RAW:
        try:
            body = codec.unpack(tag, body, find)
        except CodecError as error:
            raise BadEntry(str(error)) from error
    return _new_tuple(Entry, (body, flags & _NEGATIVE == _NEGATIVE, schema, generation, loaded_ms, fresh_ms))


@lru_cache(maxsize=256)
def fresh_prefixes(schema: int, generation: int) -> tuple[bytes, ...]:
    """Return the first bytes of the entries that `fresh_bodies` accepts: this schema and generation, in any codec."""
    tags = (codec.RAW, codec.ZSTD, codec.ZSTD_DICT)
    return tuple(_IDENTITY.pack(FORMAT, tag, 0, schema, generation) for tag in tags)


def fresh_bodies(
    values: Sequence[bytes | None], prefixes: tuple[bytes, ...], now_ms: int, find: codec.FindDictionary
) -> list[bytes] | None:
    """Return the bodies in order if all entries are fresh, undamaged and begin with one of `prefixes`; else None.

    It does the same as `decode` and the checks that follow it, in one faster loop: a batch has a hundred entries.
    """
    bodies, tags = [], bytearray()
    try:
        for data in values:
            if data is None or not data.startswith(prefixes):
                return None
            loaded_ms, fresh_ms, checksum = _unpack_times(data, _IDENTITY_BYTES)
            body = data[HEADER_BYTES:]
            if not -_CLOCKS_DIFFER_MS <= now_ms - loaded_ms < fresh_ms or checksum != crc32(
                body, crc32(data[:_COVERED_BYTES])
            ):
                return None
            bodies.append(body)
            tags.append(data[1])
        return codec.unpack_all(tags, bodies, find) if any(tags) else bodies
    except (struct.error, CodecError):
        return None
