"""`python -m benchmarks.reads ACT`: one process of a row that needs several, in the place that LAWS_* name."""

from __future__ import annotations

import json
import os
import sys

import django


def main(act: str) -> None:
    """Set Django up, do the act, and exit at once, even if threads still wait for Redis."""
    django.setup()
    # These modules read the place and the settings at import.
    from benchmarks.reads import clear_act, crowd_act, frozen_act, holder_act

    acts = {
        "clear": clear_act.clear,
        "crowd": crowd_act.crowd,
        "frozen": frozen_act.frozen,
        "reader": holder_act.reader,
    }
    for said in acts[act]():
        print(json.dumps(said), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
