"""The Redis server of the machine itself, when it has one that is new enough: a Redis, else a Valkey."""

from __future__ import annotations

import re
import shutil
import subprocess

OLDEST = (6, 2)
NAMES = ("redis-server", "valkey-server")


def version_of(text: str) -> tuple[int, int] | None:
    """Return (major, minor) from the output of `redis-server --version`, or None if it is something else."""
    found = re.search(r"\bv=(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def on_path() -> str | None:
    """Return the path of a redis-server of 6.2 or newer that runs, else of a valkey-server, or None."""
    found = (shutil.which(name) for name in NAMES)
    return next((binary for binary in found if binary and _is_fit(binary)), None)


def _is_fit(binary: str) -> bool:
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    version = version_of(answer)
    return version is not None and version >= OLDEST
