"""`python -m benchmarks.expiring ACT`: one process that expires or trades, in the place of its parent."""

from __future__ import annotations

import json
import os
import sys

import django


def main(act: str) -> None:
    """Set the project up, do the act, and end at once, whatever still waits for a server."""
    django.setup()
    # They read the settings where they are imported.
    from benchmarks.expiring import expire_act, trade_act

    acts = {"expire": expire_act.expire, "trade": trade_act.trade}
    for said in acts[act](map(json.loads, sys.stdin)):
        print(json.dumps(said), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
