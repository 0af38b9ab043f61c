"""Bytes to fewer bytes and back. The result names its codec, is kept only if smaller, and has a size limit."""

from __future__ import annotations

import threading

import zstandard

RAW = 0
ZSTD = 1

# A product of 600 bytes shrinks by a third at best, for 3 microseconds of each read; a batch reads a hundred.
FLOOR_BYTES = 1024
# What a value may unpack to: a few kilobytes of zstd can claim gigabytes.
LIMIT_BYTES = 8 * 1024 * 1024

_LEVEL = 3
_local = threading.local()


class CodecError(ValueError):
    """The bytes cannot be unpacked: an unknown codec, a damaged frame, or a size over the limit."""


def pack(data: bytes, floor: int = FLOOR_BYTES) -> tuple[int, bytes]:
    """Return the codec used and the packed bytes; `floor` is the least size in bytes that is worth a try."""
    if not floor <= len(data) <= LIMIT_BYTES:
        return RAW, data
    packed = _compressor().compress(data)
    return (ZSTD, packed) if len(packed) < len(data) else (RAW, data)


def unpack(codec: int, data: bytes) -> bytes:
    """Return the bytes that `pack` was given, or raise CodecError."""
    if codec == RAW:
        return data
    if codec != ZSTD:
        raise CodecError(f"unknown codec {codec}")
    try:
        size = zstandard.frame_content_size(data)
        if not 0 <= size <= LIMIT_BYTES:
            raise CodecError(f"claims {size} bytes")
        return _decompressor().decompress(data, max_output_size=LIMIT_BYTES)
    except zstandard.ZstdError as error:
        raise CodecError(str(error)) from error


def _compressor() -> zstandard.ZstdCompressor:
    # A compressor must not be used by two threads at once and is costly to make.
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True)
    compressor: zstandard.ZstdCompressor = _local.compressor
    return compressor


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    decompressor: zstandard.ZstdDecompressor = _local.decompressor
    return decompressor
