"""`python -m benchmarks.libraries PEER WAY LAW`: one law on one peer in a process of its own; prints JSON."""

from __future__ import annotations

import json
import os
import sys

from benchmarks.libraries import clear, frozen, poison, registry, stale_set, stampede
from benchmarks.libraries.peer import CLEAR, COLD, FROZEN, POISON, STALE, STALE_SET, Place

_INSIDE = {
    STALE_SET: stale_set.inside,
    COLD: stampede.inside,
    STALE: stampede.inside,
    FROZEN: frozen.inside,
    POISON: poison.inside,
    CLEAR: clear.inside,
    f"{CLEAR}_probe": clear.probe,
}


def main(title: str, way: str, law: str) -> None:
    """Start the peer, put the law to it, and exit at once, even if threads still wait for Redis."""
    peer = registry.find(title, way)(Place.here())
    try:
        peer.start()
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": error.name}), flush=True)
        os._exit(0)
    print(json.dumps(_INSIDE[law](peer)), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
