"""The Redis server of the machine itself, when it has one that is new enough."""

from __future__ import annotations

import re
import shutil
import subprocess

OLDEST = (6, 2)


def version_of(text: str) -> tuple[int, int] | None:
    """Return (major, minor) from the output of `redis-server --version`, or None if it is something else."""
    found = re.search(r"\bv=(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def on_path() -> str | None:
    """Return the path of a redis-server of 6.2 or newer that runs, or None."""
    binary = shutil.which("redis-server")
    if binary is None:
        return None
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = version_of(answer)
    return binary if version is not None and version >= OLDEST else None
