"""Files are read in chunks: compressed, cut, damaged, hostile."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import pytest

from products.importing.errors import CatalogueError, CutShort
from products.importing.source import MAX_OUTPUT, SourceFile

TEXT = b"name,price\n" + b"".join(b"thing %d,%d.99\n" % (number, number) for number in range(50_000))


def read(path: Path) -> bytes:
    with SourceFile(path) as source:
        return b"".join(source.chunks())


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gzip", "xz"])
def test_a_file_is_unpacked_by_its_first_bytes_whatever_its_name(tmp_path: Path, pack) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(pack(TEXT))
    assert read(path) == TEXT


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_several_members_are_one_file(tmp_path: Path, pack) -> None:
    path = tmp_path / "joined"
    path.write_bytes(pack(TEXT) + pack(b"the end"))
    assert read(path) == TEXT + b"the end"


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_a_cut_file_gives_what_was_before_the_cut_and_then_says_so(tmp_path: Path, pack) -> None:
    packed = pack(TEXT)
    path = tmp_path / "cut"
    path.write_bytes(packed[: len(packed) // 2])
    got: list[bytes] = []
    with SourceFile(path) as source, pytest.raises(CutShort, match="cut off"):
        got.extend(source.chunks())
    assert TEXT.startswith(b"".join(got))
    assert len(b"".join(got)) > len(TEXT) // 4


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(TEXT))
    packed[len(packed) // 2 : len(packed) // 2 + 50] = b"\xff" * 50
    path = tmp_path / "damaged.gz"
    path.write_bytes(packed)
    with pytest.raises(CutShort, match="damaged"):
        read(path)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_no_chunk_of_a_bomb_is_large(tmp_path: Path, pack) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(pack(b"0" * 20_000_000))
    with SourceFile(path) as source:
        assert max(map(len, source.chunks())) <= MAX_OUTPUT


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="No such file"):
        SourceFile(tmp_path / "none.csv")


def test_position_and_size_are_of_the_file_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "data.gz"
    path.write_bytes(gzip.compress(TEXT))
    with SourceFile(path) as source:
        list(source.chunks())
        assert source.position == source.size == path.stat().st_size
