"""LOCAL_DIR: where secrets, ports, logs, run files and the data of the embedded servers lie."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from .bootstrap import ports

ROTATE_BYTES = 5 * 2**20


@dataclass(frozen=True)
class LocalState:
    """The directories under one LOCAL_DIR; each is made when it is first asked for."""

    root: Path

    @property
    def logs(self) -> Path:
        return self._directory("logs")

    @property
    def run(self) -> Path:
        return self._directory("run")

    def secret(self, name: str) -> str:
        """Return a password that is generated once and readable by this user only."""
        path = self._directory("secrets") / name
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32))
        return path.read_text("ascii").strip()

    def port(self, name: str) -> int:
        """Return the port that name used last time if it is free, else another one, remembered from then on."""
        path = self.run / f"{name}.port"
        if path.exists() and ports.is_free(port := int(path.read_text("ascii"))):
            return port
        port = ports.free_port()
        path.write_text(str(port), "ascii")
        return port

    def log(self, name: str) -> Path:
        """Return the log file of a process, put aside as NAME.log.1 when it has grown large."""
        path = self.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > ROTATE_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path

    def emptied(self, name: str) -> Path:
        """Return a directory without files of an earlier run in it."""
        directory = self._directory(name)
        for path in directory.iterdir():
            path.unlink()
        return directory

    def _directory(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step by one that only this user can read."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as sink:
        sink.write(text)
    draft.replace(path)
