"""Row ids: the largest one, and how an id is read from text."""

from __future__ import annotations

# PostgreSQL's bigint, the type of every primary key.
MAX_ID = 2**63 - 1
_MAX_DIGITS = len(str(MAX_ID))


def row_id(text: bytes | str) -> int | None:
    """Return the id that `text` spells, from 1 to MAX_ID, or None.

    Stricter than int(), which also takes signs, white space, leading zeros, "1_0" and digits of other scripts: one
    id has one spelling.
    """
    # Check the length first: for thousands of digits int() is slow and raises ValueError.
    if len(text) > _MAX_DIGITS or not text.isascii() or not text.isdigit():
        return None
    number = int(text)
    return number if 10 ** (len(text) - 1) <= number <= MAX_ID else None
