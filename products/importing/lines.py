"""Decodes bytes and splits the text into lines, holding at most one line and one chunk."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from products.importing.errors import CutShort

# A catalogue row is a few hundred bytes; a "line" of a megabyte is another kind of file.
MAX_RECORD = 1024 * 1024


def decoded(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield UTF-8 text, a byte order mark removed.

    A broken byte becomes a lone surrogate, so that only the row it lies in is affected.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
    for chunk in chunks:
        if text := decoder.decode(chunk):
            yield text
    if text := decoder.decode(b"", final=True):
        yield text


def lines(texts: Iterable[str]) -> Iterator[str]:
    """Yield whole lines with their ends. A line that a cut file leaves unfinished is not yielded."""
    rest = ""
    for text in texts:
        rest += text
        *whole, rest = rest.split("\n")
        for line in whole:
            yield line + "\n"
        if len(rest) > MAX_RECORD:
            raise CutShort(f"a line is longer than {MAX_RECORD} characters")
    if rest:
        yield rest
