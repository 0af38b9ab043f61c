"""`python -m benchmarks.expiring ACT`: one process that expires or trades on the parent's servers."""

from __future__ import annotations

import json
import os
import sys

import django


def main(act: str) -> None:
    """Set Django up, do the act, and exit at once, even if threads still wait for a server."""
    django.setup()
    # These modules read the settings at import.
    from benchmarks.expiring import expire_act, trade_act

    acts = {"expire": expire_act.expire, "trade": trade_act.trade}
    for said in acts[act](map(json.loads, sys.stdin)):
        print(json.dumps(said), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
