"""Follows a call through the project's files: which functions' files it passes, in the order of their first calls."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = frozenset({"caching", "products", "offers", "marketplace"})


def files_passed(work: Callable[[], Any]) -> list[str]:
    """Run `work` in this thread and return the files of the project whose code it ran."""
    passed: dict[str, None] = {}

    def follow(frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(_ROOT) and path.relative_to(_ROOT).parts[0] in _PACKAGES:
            passed[str(path.relative_to(_ROOT))] = None

    sys.setprofile(follow)
    try:
        work()
    finally:
        sys.setprofile(None)
    return list(passed)
