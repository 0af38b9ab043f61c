"""Bytes to fewer bytes and back. The result names its codec, is kept only if smaller, and has a size limit."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Sequence

import zstandard
from zstandard import frame_content_size

from caching.errors import CodecError

RAW = 0
ZSTD = 1
# A frame whose first four bytes, which are the same in all frames, are the number of the dictionary instead.
ZSTD_DICT = 2

# A product of 600 bytes shrinks by a third at best, for 3 microseconds of each read; a batch reads a hundred.
FLOOR_BYTES = 1024
# With a dictionary 115 bytes of a user shrink to 43; of less than this, only one or two of the 16-byte steps in which
# Redis takes memory could be saved.
DICTIONARY_FLOOR_BYTES = 64
# What a value may unpack to: a few kilobytes of zstd can claim gigabytes.
LIMIT_BYTES = 8 * 1024 * 1024
_NUMBER = struct.Struct(">I")
NUMBER_BYTES = _NUMBER.size
_MAGIC = zstandard.FRAME_HEADER

# Higher levels save a hundredth more of a product and take four times as long.
_LEVEL = 3


class Zstd(threading.local):
    """zstd with or without a dictionary. Compressors serve one thread each and are costly to make, so they stay."""

    def __init__(self, dictionary: zstandard.ZstdCompressionDict | None = None) -> None:
        self.compress = zstandard.ZstdCompressor(
            level=_LEVEL, dict_data=dictionary, write_dict_id=False, write_checksum=False, write_content_size=True
        ).compress
        self._decompress = zstandard.ZstdDecompressor(dict_data=dictionary).decompress

    def decompress(self, frame: bytes) -> bytes:
        """Return what the frame holds. Raises CodecError, before anything is unpacked if it claims too much."""
        try:
            size = frame_content_size(frame)
            if 0 <= size <= LIMIT_BYTES:
                return self._decompress(frame)
        except (zstandard.ZstdError, ValueError, MemoryError) as error:
            raise CodecError(str(error)) from error
        raise CodecError(f"claims {size} bytes")

    def decompress_all(self, frames: Sequence[bytes]) -> list[bytes]:
        """Return what each frame holds. Raises CodecError, before anything is unpacked if one claims too much."""
        try:
            sizes = set(map(frame_content_size, frames))
            if min(sizes) >= 0 and max(sizes) <= LIMIT_BYTES:
                return list(map(self._decompress, frames))
        except (zstandard.ZstdError, ValueError, MemoryError) as error:
            raise CodecError(str(error)) from error
        raise CodecError(f"one of {len(frames)} frames claims {max(sizes)} bytes")


class TrainedDictionary:
    """A dictionary ready for use by any thread. Its number is how packed bytes name it. Raises CodecError."""

    def __init__(self, number: int, data: bytes) -> None:
        self.number = number
        self._prefix = _NUMBER.pack(number)
        try:
            shared = zstandard.ZstdCompressionDict(data, dict_type=zstandard.DICT_TYPE_FULLDICT)
            # Digested here once, and not by the first call of each thread.
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


# Returns the dictionary of a number, or None if there is none.
FindDictionary = Callable[[int], TrainedDictionary | None]


def find_none(number: int) -> None:
    """Find no dictionary: for values that were packed without one."""


_plain = Zstd()


def pack(data: bytes, floor: int | None = None, dictionary: TrainedDictionary | None = None) -> tuple[int, bytes]:
    """Return the codec used and the packed bytes. `floor` is the least size in bytes that is worth a try."""
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
    """Return what `unpack` returns of each; where all name one dictionary, at half the cost. Raises CodecError."""
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
