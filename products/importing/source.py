"""The bytes of a catalogue file, decompressed as they are read, with the place reached in the file."""

from __future__ import annotations

import lzma
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from products.importing.errors import CatalogueError, CutShort

CHUNK = 64 * 1024
# The most output of one step, so that a decompression bomb takes time and no memory.
MAX_OUTPUT = 256 * 1024
GZIP_MAGIC = b"\x1f\x8b"
XZ_MAGIC = b"\xfd7zXZ\x00"


class _Gzip:
    """zlib's decompressor with a bounded output; `hungry` means that it needs more input to go on."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, MAX_OUTPUT)

    @property
    def hungry(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


class _Xz:
    """lzma's decompressor with a bounded output."""

    def __init__(self) -> None:
        self._inner = lzma.LZMADecompressor(lzma.FORMAT_XZ)

    def decompress(self, data: bytes) -> bytes:
        return self._inner.decompress(data, MAX_OUTPUT)

    @property
    def hungry(self) -> bool:
        return self._inner.needs_input

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


class SourceFile:
    """A plain, gzip or xz file, recognised by its first bytes and read once from front to back.

    `position` and `size` are bytes of the file as it lies on disk, for a progress bar. Raises CatalogueError
    when it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = 0
        try:
            self._file: BinaryIO = path.open("rb")
            self.size = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise CatalogueError(f"{path}: {error.strerror or error}") from error

    def __enter__(self) -> SourceFile:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.close()

    def chunks(self) -> Iterator[bytes]:
        """Yield the decompressed bytes. Raises CutShort where a compressed file ends early or is damaged."""
        first = self._read()
        if first.startswith(GZIP_MAGIC):
            yield from self._unpacked(first, _Gzip, "gzip")
        elif first.startswith(XZ_MAGIC):
            yield from self._unpacked(first, _Xz, "xz")
        else:
            while first:
                yield first
                first = self._read()

    def _read(self) -> bytes:
        try:
            data = self._file.read(CHUNK)
        except OSError as error:
            raise CutShort(f"the file cannot be read further: {error.strerror or error}") from error
        self.position += len(data)
        return data

    def _unpacked(self, data: bytes, kind: type[_Gzip] | type[_Xz], name: str) -> Iterator[bytes]:
        member = kind()
        while True:
            try:
                output = member.decompress(data)
            except (zlib.error, lzma.LZMAError) as error:
                raise CutShort(f"the {name} data is damaged: {error}") from error
            if output:
                yield output
            data = b""
            if member.eof:
                # Several gzip or xz files in a row are one file; padding with zeros between them is allowed.
                data = (member.unused_data or self._read()).lstrip(b"\x00")
                if not data:
                    return
                member = kind()
            elif member.hungry:
                data = self._read()
                if not data:
                    raise CutShort(f"the {name} file ends before its end: it was cut off")
