"""Redis commands as they are sent, and the layer's Lua scripts, loaded by name and called by digest."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

# The first line of a script that calls a function of another file: a script in Redis cannot call another one.
_USES = re.compile(r"-- uses (\w+)\.lua\n")


class Command(NamedTuple):
    """One command as it is sent; `script` is the script that it calls by digest, if it calls one."""

    args: tuple[Any, ...]
    script: Script | None = None

    def with_source(self) -> tuple[Any, ...]:
        """Return the call of the script with its source in place of its digest."""
        return ("EVAL", self.script.source, *self.args[2:]) if self.script else self.args


class Script:
    """One script: its source and its digest."""

    def __init__(self, name: str) -> None:
        source = _text(name)
        used = _USES.match(source)
        self.source = f"{_text(used[1])}{source}" if used else source
        self.digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def command(self, keys: tuple[str | bytes, ...], *args: Any) -> Command:
        """Return the command that calls it."""
        return Command(("EVALSHA", self.digest, len(keys), *keys, *args), self)


@cache
def script(name: str) -> Script:
    """Return the script in `name`.lua."""
    return Script(name)


def _text(name: str) -> str:
    return files(__package__).joinpath(f"{name}.lua").read_text("utf-8")
