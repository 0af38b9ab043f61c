"""Checks made before anything is installed or started."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from . import ports
from .errors import StartupError

FIRST_START_MB = 1500
LATER_START_MB = 200


def require_space(path: Path, needed_mb: int, environ: Mapping[str, str]) -> None:
    """Raise StartupError when the disk under path has too little space; BOOTSTRAP_MIN_FREE_MB overrides."""
    needed_mb = int(environ.get("BOOTSTRAP_MIN_FREE_MB") or needed_mb)
    existing = next(place for place in (path, *path.parents) if place.exists())
    free_mb = shutil.disk_usage(existing).free // 2**20
    if free_mb < needed_mb:
        raise StartupError(f"no disk space: {existing} has {free_mb} MB free, and {needed_mb} MB are needed")


def require_port(port: int, local_dir: Path) -> None:
    """Raise StartupError when the web port is taken, unless an earlier start may have left a web process there.

    Leftovers are ended by the supervisor, which checks the port again afterwards.
    """
    if not (local_dir / "run" / "web.json").exists():
        ports.require_free(port)


def require_alone(local_dir: Path) -> None:
    """Raise StartupError when a bin/dev runs on the same LOCAL_DIR."""
    try:
        descriptor = os.open(lock_path(local_dir), os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        take_lock(descriptor, local_dir)
    finally:
        os.close(descriptor)


def lock_path(local_dir: Path) -> Path:
    """Return the file that a running bin/dev holds locked, with its pid inside."""
    return local_dir / "run" / "dev.lock"


def take_lock(descriptor: int, local_dir: Path) -> None:
    """Lock an open dev.lock until it closes, or raise StartupError naming the pid that holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
        raise StartupError(f"already running on {local_dir} (pid {pid}); stop it, or set another LOCAL_DIR") from error
