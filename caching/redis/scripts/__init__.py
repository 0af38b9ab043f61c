"""Redis commands as they are sent, and the layer's Lua scripts, loaded by name and called by digest."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple


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
        self.source = files(__package__).joinpath(f"{name}.lua").read_text("utf-8")
        self.digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def command(self, keys: tuple[str | bytes, ...], *args: Any) -> Command:
        """Return the command that calls it."""
        return Command(("EVALSHA", self.digest, len(keys), *keys, *args), self)


@cache
def script(name: str) -> Script:
    """Return the script in `name`.lua."""
    return Script(name)
