"""The Lua scripts of the layer, loaded by name and called by digest."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files


class Script:
    """One script: its source and its digest."""

    def __init__(self, name: str) -> None:
        self.source = files(__package__).joinpath(f"{name}.lua").read_text("utf-8")
        self.digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


@cache
def script(name: str) -> Script:
    """Return the script in `name`.lua."""
    return Script(name)
