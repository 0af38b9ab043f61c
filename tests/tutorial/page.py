"""A tutorial page taken apart: the files that it has its reader write, and the commands that it has them run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r"(Write|Add to the end of) `([^`]+)`")


@dataclass(frozen=True)
class Step:
    """A block of the page: a file to write or to append to, a command, or a command with the output that it prints."""

    kind: str
    text: str
    target: str = ""
    output: str = ""


def steps(page: Path) -> Iterator[Step]:
    """Yield the steps of a page in their order."""
    text, end = page.read_text("utf-8"), 0
    for block in _BLOCK.finditer(text):
        prose, end = text[end : block.start()], block.end()
        language, body = block[1], block[2]
        if language == "python":
            how, target = _TARGET.findall(prose)[-1]
            yield Step("write" if how == "Write" else "append", body, target)
        elif language == "sh":
            yield from (Step("run", line) for line in body.splitlines())
        elif language == "console":
            yield from _conversation(body)


def _conversation(body: str) -> Iterator[Step]:
    for command in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        line, _, output = command.partition("\n")
        yield Step("compare", line, output=output)
