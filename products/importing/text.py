"""Cleans imported text: entities unescaped once, control characters removed, white space normalised."""

from __future__ import annotations

import html
import re
import unicodedata
from decimal import Decimal
from typing import Any

from products.importing.errors import BadRow

ENCODING = "text is not valid UTF-8"
NOT_TEXT = "a value is not text"

_BROKEN = re.compile("[\ud800-\udfff]")
# Control characters except tab and line ends: they are invisible, and PostgreSQL refuses NUL. Also the marks that
# change the direction of writing, with which a title could be displayed as another.
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
_BLANK_LINES = re.compile(r"\n{3,}")


def plain(value: Any, column: str, *, lenient: bool) -> str:
    """Return a value as text. Raises BadRow when it is a structure, or broken and `lenient` is off."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return str(value)
    if not isinstance(value, str):
        raise BadRow(NOT_TEXT, f"{column} is {str(value)[:40]!r}")
    if value.isascii() or not _BROKEN.search(value):
        return value
    if not lenient:
        raise BadRow(ENCODING, f"in {column}")
    return _BROKEN.sub("\N{REPLACEMENT CHARACTER}", value)


def one_line(text: str) -> str:
    """Return a title: one line, single spaces."""
    return " ".join(_visible(text).split())


def paragraphs(text: str) -> str:
    """Return a description: line ends kept, at most one empty line in a row."""
    lines = (" ".join(line.split()) for line in _visible(text).splitlines())
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def cut(text: str, limit: int) -> str:
    """Return the text, or its beginning up to a word's end with an ellipsis, within `limit` characters."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    at_word = head.rsplit(None, 1)[0]
    return (at_word if len(at_word) > limit // 2 else head.rstrip()) + "…"


def _visible(text: str) -> str:
    if "&" in text:
        text = html.unescape(text)
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
