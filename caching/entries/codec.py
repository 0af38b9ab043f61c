"""Compression of entry bodies. The result names its codec, is kept only if it is smaller, and has a size limit."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Sequence

import zstandard
from zstandard import frame_content_size

from caching.errors import CodecError

RAW = 0
ZSTD = 1
# A frame in which the number of the dictionary replaces the first four bytes, the magic number of all zstd frames.
ZSTD_DICT = 2

# Without a dictionary smaller bodies shrink too little for the time that each read spends unpacking them
# (docs/decisions/0005); a batch reads a hundred.
FLOOR_BYTES = 1024
# With a dictionary small bodies shrink too. Below this size it would save one or two of the 16-byte steps in which
# Redis allocates memory.
DICTIONARY_FLOOR_BYTES = 64
# The most that a value may unpack to: a few kilobytes of zstd can claim gigabytes.
LIMIT_BYTES = 8 * 1024 * 1024
_NUMBER = struct.Struct(">I")
NUMBER_BYTES = _NUMBER.size
_MAGIC = zstandard.FRAME_HEADER

# Higher levels save little more and take much longer (docs/decisions/0005).
_LEVEL = 3


class Zstd(threading.local):
    """zstd with or without a dictionary. A compressor serves one thread and is costly to make, so it is kept."""

    def __init__(self, dictionary: zstandard.ZstdCompressionDict | None = None) -> None:
        self.compress = zstandard.ZstdCompressor(
            level=_LEVEL, dict_data=dictionary, write_dict_id=False, write_checksum=False, write_content_size=True
        ).compress
        self._decompress = zstandard.ZstdDecompressor(dict_data=dictionary).decompress

    def decompress(self, frame: bytes) -> bytes:
        """Return the content of a frame. Raises CodecError, before unpacking if it claims over LIMIT_BYTES."""
        try:
            size = frame_content_size(frame)
            if 0 <= size <= LIMIT_BYTES:
                return self._decompress(frame)
        except (zstandard.ZstdError, ValueError, MemoryError) as error:
            raise CodecError(str(error)) from error
        raise CodecError(f"claims {size} bytes")

    def decompress_all(self, frames: Sequence[bytes]) -> list[bytes]:
        """Return the content of each frame. Raises CodecError, before unpacking any if one claims over LIMIT_BYTES."""
        try:
            sizes = set(map(frame_content_size, frames))
            if min(sizes) >= 0 and max(sizes) <= LIMIT_BYTES:
                return list(map(self._decompress, frames))
        except (zstandard.ZstdError, ValueError, MemoryError) as error:
            raise CodecError(str(error)) from error
        raise CodecError(f"one of {len(frames)} frames claims {max(sizes)} bytes")


class TrainedDictionary:
    """A dictionary for use by any thread. Packed bytes name it by its number. Raises CodecError for unusable data."""

    def __init__(self, number: int, data: bytes) -> None:
        self.number = number
        self._prefix = _NUMBER.pack(number)
        try:
            shared = zstandard.ZstdCompressionDict(data, dict_type=zstandard.DICT_TYPE_FULLDICT)
            # Digest it here once, not in the first call of each thread.
            shared.precompute_compress(level=_LEVEL)
            self._zstd = Zstd(shared)
            self.unpack(self.pack(b""))
        except (zstandard.ZstdError, ValueError, MemoryError) as error:
            raise CodecError(f"dictionary {number}: {error}") from error

    def pack(self, data: bytes) -> bytes:
        return self._prefix + self._zstd.compress(data)[NUMBER_BYTES:]

    def unpack(self, data: bytes) -> bytes:
        return self._zstd.decompress(_MAGIC + data[NUMBER_BYTES:])

    def unpack_all(self, packed: Sequence[bytes]) -> list[bytes]:
        return self._zstd.decompress_all([_MAGIC + data[NUMBER_BYTES:] for data in packed])


# Takes the number of a dictionary; returns the dictionary, or None if there is none.
FindDictionary = Callable[[int], TrainedDictionary | None]


def find_none(number: int) -> None:
    """Find no dictionary: for values that were packed without one."""


_plain = Zstd()


def pack(data: bytes, floor: int | None = None, dictionary: TrainedDictionary | None = None) -> tuple[int, bytes]:
    """Return (codec, packed bytes). Data under `floor` bytes is not packed.

    The default of `floor` is DICTIONARY_FLOOR_BYTES with a dictionary, FLOOR_BYTES without one.
    """
    if floor is None:
        floor = FLOOR_BYTES if dictionary is None else DICTIONARY_FLOOR_BYTES
    if not floor <= len(data) <= LIMIT_BYTES:
        return RAW, data
    if dictionary is None:
        codec, packed = ZSTD, _plain.compress(data)
    else:
        codec, packed = ZSTD_DICT, dictionary.pack(data)
    return (codec, packed) if len(packed) < len(data) else (RAW, data)


def unpack_all(codecs: Sequence[int], packed: Sequence[bytes], find: FindDictionary) -> list[bytes]:
    """Return what `unpack` returns for each; faster where all name one dictionary. Raises CodecError."""
    if set(codecs) == {ZSTD_DICT} and len({data[:NUMBER_BYTES] for data in packed}) == 1:
        return _named(packed[0], find).unpack_all(packed)
    return [unpack(codec, data, find) for codec, data in zip(codecs, packed, strict=True)]


def unpack(codec: int, data: bytes, find: FindDictionary = find_none) -> bytes:
    """Return the bytes that `pack` was given, or raise CodecError."""
    if codec == RAW:
        return data
    if codec == ZSTD:
        return _plain.decompress(data)
    if codec != ZSTD_DICT:
        raise CodecError(f"unknown codec {codec}")
    return _named(data, find).unpack(data)


def _named(data: bytes, find: FindDictionary) -> TrainedDictionary:
    if len(data) < NUMBER_BYTES:
        raise CodecError(f"unknown dictionary: {len(data)} bytes name none")
    (number,) = _NUMBER.unpack_from(data)
    dictionary = find(number)
    if dictionary is None:
        raise CodecError(f"unknown dictionary {number:08x}")
    return dictionary
