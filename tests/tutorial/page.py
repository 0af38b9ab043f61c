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
    """A block of the page: a file to write or to append to, a command, or a command with the output that it prints.

    The output of a command may be `late`, if the page says so.
    """

    kind: str
    text: str
    target: str = ""
    output: str = ""
    late: bool = False


def steps(page: Path, section: str = "") -> Iterator[Step]:
    """Yield the steps of a page in their order; those of one section, without what is below it, if it is named."""
    text, end = page.read_text("utf-8"), 0
    if section:
        _, text = text.split(f"\n{section}\n")
        text = re.split(r"^##+ ", text, maxsplit=1, flags=re.MULTILINE)[0]
    for block in _BLOCK.finditer(text):
        prose, end = text[end : block.start()], block.end()
        language, body = block[1], block[2]
        if language == "python":
            how, target = _TARGET.findall(prose)[-1]
            yield Step("write" if how == "Write" else "append", body, target)
        elif language == "sh":
            yield from (Step("run", line) for line in body.splitlines())
        elif language == "console":
            yield from _conversation(body, late="seconds later" in prose)


def _conversation(body: str, late: bool) -> Iterator[Step]:
    for command in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        line, _, output = command.partition("\n")
        yield Step("compare", line, output=output, late=late)
