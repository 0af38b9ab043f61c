"""`python -m benchmarks.counting ACT`: one process that counts or flushes on the parent's servers."""

from __future__ import annotations

import json
import os
import sys

import django


def main(act: str) -> None:
    """Set Django up, do the act, and exit at once, even if threads still wait for a server."""
    django.setup()
    # These modules read the settings at import.
    from benchmarks.counting import flush_act, views_act

    acts = {"views": views_act.views, "flusher": flush_act.flusher}
    for said in acts[act](map(json.loads, sys.stdin)):
        print(json.dumps(said), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
