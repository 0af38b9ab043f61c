"""`clear` of a large namespace: its time, the processes it reaches, and the foreign keys it deletes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

from benchmarks.libraries import raw_redis
from benchmarks.libraries.peer import CLEAR, Peer
from benchmarks.libraries.verdict import Finding, short

_HERE, _ELSEWHERE = 777, 778
_FOREIGN, _QUEUE = "another-app:session", "celery"
_MESSAGES = 3
_REACH_MS = 5.0
HEADING = "clear\ntime, scope"


def inside(peer: Peer) -> dict[str, Any]:
    """Clear a namespace beside a foreign key and a queue, then read in this process and in another."""
    client = raw_redis.connect(peer.place)
    peer.read(_HERE)
    entry = raw_redis.entries(client)[0]
    peer.read(_ELSEWHERE)
    client.set(_FOREIGN, "x")
    client.rpush(_QUEUE, *range(_MESSAGES))
    raw_redis.fill(client, entry, _HERE, peer.place.keys)
    peer.read(_HERE)
    began = time.perf_counter()
    peer.clear()
    seconds = time.perf_counter() - began
    kept = {"foreign": bool(client.exists(_FOREIGN)), "queue": client.llen(_QUEUE) == _MESSAGES}
    left = client.dbsize()
    for id in (_HERE, _ELSEWHERE):
        peer.change(id, 2)
    here = peer.read(_HERE) == 2
    outcome = {"keys": peer.place.keys, "seconds": seconds, "kept": kept, "left": left, "here": here}
    return {**outcome, "elsewhere": _elsewhere(peer)}


def probe(peer: Peer) -> int:
    """Return what a process that did not clear reads, where the truth is version 2."""
    return peer.read(_ELSEWHERE)


def _elsewhere(peer: Peer) -> bool:
    place = replace(peer.place, version=2)
    argv = [sys.executable, "-m", "benchmarks.libraries", peer.title, peer.way, f"{CLEAR}_probe"]
    env = {**os.environ, **place.environment()}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout.splitlines()[-1]) == 2


def findings(found: dict[str, Any]) -> list[Finding]:
    taken = [name for name, kept in found["kept"].items() if not kept]
    ms = found["seconds"] * 1000
    scope = "takes all" if taken else "scoped"
    if not found["elsewhere"]:
        scope = "here only" if found["here"] else "no effect"
    said = f"of {found['keys']:,} keys; {found['left']:,} left in Redis"
    effect = "and other processes see it" if found["elsewhere"] else "OTHER PROCESSES GO ON"
    cell = f"{short(found['seconds'])}, {scope}"
    along = f"took the {' and the '.join(taken)}" if taken else f"took nothing, {effect}"
    harmless = not taken and found["here"] and found["elsewhere"]
    return [
        Finding("clear: time", ms, "ms", cell, f"< {_REACH_MS:g} ms", ms < _REACH_MS, said),
        Finding("clear: foreign data taken", len(taken), "of 2", "", "nothing else", harmless, along),
    ]
