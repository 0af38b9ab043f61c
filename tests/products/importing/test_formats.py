"""The format of a file is known by its first character."""

from __future__ import annotations

from pathlib import Path

import pytest

from products.importing.errors import CatalogueError
from products.importing.formats import Table
from products.importing.source import SourceFile


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("name,price\nlamp,5\n", ["name", "price"]),
        ('  [{"name": "lamp", "price": 5}]', ["name", "price"]),
        ('{"name": "lamp", "price": 5}\n', ["name", "price"]),
        ('nonsense\n{"name": "lamp"}\n', ["nonsense"]),
        ('{broken\n{"name": "lamp", "price": 5}\n', ["name", "price"]),
    ],
)
def test_the_format_is_known_by_the_first_character(tmp_path: Path, text: str, columns: list[str]) -> None:
    path = tmp_path / "file.dat"
    path.write_text(text)
    with SourceFile(path) as source:
        assert Table(source).columns == columns


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.csv"
    path.write_bytes(content)
    with SourceFile(path) as source, pytest.raises(CatalogueError, match="empty"):
        Table(source)
