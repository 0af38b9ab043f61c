"""The interface of an embedded server."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Protocol

from .bootstrap.errors import StartupError
from .process import Process


class Server(Protocol):
    """A server whose data lies under LOCAL_DIR and which listens on the loopback address only."""

    @property
    def url(self) -> str:
        """Where clients reach it, with its password."""

    def prepare(self) -> Process:
        """Make its data directory if need be, and return what to start."""

    def is_ready(self) -> bool:
        """Return whether it answers; the first time it does, create what clients expect."""


def inside_package(name: str, pattern: str) -> Path:
    """Return the newest file that fits pattern in an installed package, which is not imported."""
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or []) if spec else []
    found = sorted(path for place in places for path in Path(place).glob(pattern))
    if not found:
        raise StartupError(f"the package {name} holds no {pattern}; delete .venv and start again")
    return found[-1]


def bare_environment(root: Path) -> dict[str, str]:
    """Return the few variables that a server gets; LOCAL_DIR marks it as ours."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "LOCAL_DIR": str(root),
    }
