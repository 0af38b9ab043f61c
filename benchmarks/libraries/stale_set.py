"""The stale set: a reader loads, a writer commits and invalidates, the reader fills; what does the next read see?"""

from __future__ import annotations

import threading
from typing import Any

from benchmarks.libraries.peer import Peer
from benchmarks.libraries.verdict import Finding

HEADING = "stale\nset"
_PATIENCE = 10.0


def inside(peer: Peer) -> dict[str, Any]:
    """Hold a reader between its load and its fill while a writer commits."""
    loaded, go_on = threading.Event(), threading.Event()

    def pause() -> None:
        # Only the first load is held, not the loads of the writer.
        peer.loader.pause = None
        loaded.set()
        go_on.wait(_PATIENCE)

    peer.loader.pause = pause
    seen: list[int] = []
    reader = threading.Thread(target=lambda: seen.append(peer.read(1)), daemon=True)
    reader.start()
    if not loaded.wait(_PATIENCE):
        raise TimeoutError("the reader never loaded")
    peer.write(1, 2)
    go_on.set()
    reader.join(_PATIENCE)
    return {"reader": seen, "next": peer.read(1)}


def findings(found: dict[str, Any]) -> list[Finding]:
    fresh = found["next"] == 2
    said = f"the overtaken reader saw version {found['reader'][0]}" if found["reader"] else "the reader never came back"
    return [Finding("stale set", float(not fresh), "stale", "fresh" if fresh else "STALE", "fresh", fresh, said)]
