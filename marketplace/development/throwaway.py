"""A temporary LOCAL_DIR for one run of the tests or benchmarks, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import identity
from .state import LocalState

PREFIX = "marketplace-run-"
OWNER = "owner"


@contextlib.contextmanager
def local_state() -> Iterator[LocalState]:
    """Yield an empty LOCAL_DIR that is removed at the end, and remove those of runs that were killed."""
    remove_abandoned(Path(tempfile.gettempdir()))
    root = Path(tempfile.mkdtemp(prefix=PREFIX))
    # The database may run as another account, which must be able to enter. Secret files inside have their own mode.
    root.chmod(0o711)
    (root / OWNER).write_text(f"{os.getpid()} {identity.started(os.getpid())}", "ascii")
    try:
        yield LocalState(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def remove_abandoned(place: Path) -> None:
    """Remove this user's directories whose owning process has ended."""
    for root in place.glob(f"{PREFIX}*"):
        try:
            pid, started = (root / OWNER).read_text("ascii").split(" ")
            abandoned = root.stat().st_uid == os.geteuid() and identity.started(int(pid)) != started
        except (OSError, ValueError):
            # Another run is making or removing it at this moment.
            continue
        if abandoned:
            shutil.rmtree(root, ignore_errors=True)
