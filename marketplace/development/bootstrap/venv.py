"""The virtual environments, in .venv and inside it: reused while the stamp fits, rebuilt when a build was cut short."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from . import pip
from .errors import StartupError
from .requirements import Wanted, read_stamp, write_stamp

STAMP = "bootstrap.json"
UNFINISHED = "bootstrap.unfinished"
PLACE = ".venv"


def is_ready(root: Path, wanted: Wanted, place: str = PLACE) -> bool:
    """Return whether the environment already holds all that is wanted, for this Python."""
    missing = wanted.missing_from(_stamp(root / place))
    return not missing.files and not missing.wheels


def prepare(root: Path, wanted: Wanted, log: Path, place: str = PLACE) -> Path:
    """Return the Python of an environment that holds all that is wanted, or raise StartupError."""
    venv = root / place
    python = venv / "bin" / "python"
    if is_ready(root, wanted, place):
        return python
    with _only_one(root) as lock:
        stamp = _stamp(venv)
        if not stamp:
            _create(venv)
        missing = wanted.missing_from(stamp)
        # If the process is killed from here on, this mark remains. The next start then rebuilds the environment, which
        # may have half a package.
        (venv / UNFINISHED).touch()
        if missing.files:
            files = [part for name in wanted.files for part in ("-r", str(root / name))]
            pip.install(python, files, log, lock, f"installing {' and '.join(missing.files)}")
        for name, pin in missing.wheels.items():
            pip.install(python, ["--no-deps", "--only-binary=:all:", pin], log, lock, f"installing {name}")
        write_stamp(venv / STAMP, {**stamp, "python": _python_id(), **missing.files, **missing.wheels})
        (venv / UNFINISHED).unlink()
    return python


def install_singly(root: Path, file: str, log: Path, place: str) -> None:
    """Install the packages of a file one by one, after all together failed; the stamp leaves the file out."""
    pins = [line for line in (root / file).read_text("utf-8").splitlines() if line and not line.startswith("#")]
    with _only_one(root) as lock:
        for pin in pins:
            with contextlib.suppress(StartupError):
                # pip has retried the index before, for all of them together.
                arguments = ["--retries", "0", pin]
                pip.install(root / place / "bin" / "python", arguments, log, lock, f"installing {pin}")


def _stamp(venv: Path) -> dict[str, str]:
    """Return the stamp, empty if the environment is unfinished, of another Python, or broken."""
    stamp = read_stamp(venv / STAMP)
    usable = stamp.get("python") == _python_id() and (venv / "bin" / "python").exists()
    return stamp if usable and not (venv / UNFINISHED).exists() else {}


def _python_id() -> str:
    return f"{platform.python_version()} {sys.base_prefix}"


def _create(venv: Path) -> None:
    try:
        import ensurepip  # noqa: F401
        import venv as venv_module  # noqa: F401
    except ImportError as error:
        raise StartupError(
            f"Python {platform.python_version()} lacks the module {error.name!r} for virtual environments; "
            "install it (Debian and Ubuntu: apt install python3-venv), or set PYTHON to another Python"
        ) from error
    if venv.exists():
        shutil.rmtree(venv)
    # The account that PostgreSQL runs as must be able to read the packages, whatever this user's umask.
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(venv)], capture_output=True, text=True, umask=0o022, check=False
    )
    if made.returncode != 0:
        lines = (made.stdout + made.stderr).strip().splitlines()
        raise StartupError(f"the virtual environment could not be made: {lines[-1] if lines else 'no reason given'}")


@contextlib.contextmanager
def _only_one(root: Path) -> Iterator[int]:
    """Hold a lock of this checkout, so that two commands never build the environment at the same time."""
    descriptor = os.open(root / "bin" / "bootstrap.py", os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another command is preparing .venv; waiting for it", flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
