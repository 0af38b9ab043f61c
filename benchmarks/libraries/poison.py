"""Damaged bytes under a live key must be a miss, and cost a batch only that key."""

from __future__ import annotations

from typing import Any

from benchmarks.libraries import raw_redis
from benchmarks.libraries.attempt import Attempt
from benchmarks.libraries.peer import Peer
from benchmarks.libraries.verdict import Finding

HEADING = "poisoned entry\n3 kinds, 1 of 10"
_GARBAGE = bytes(range(128, 256))
_BATCH = range(1, 11)


def inside(peer: Peer) -> dict[str, Any]:
    """Damage an entry in three ways and read it; then damage one of ten and read all."""
    client = raw_redis.connect(peer.place)
    singles = {kind: _single(peer, client, kind) for kind in ("garbage", "truncated", "empty")}
    return {"singles": singles, "batch": _batch(peer, client) if peer.batches else None}


def _single(peer: Peer, client: Any, kind: str) -> str:
    client.flushall()
    peer.read(1)
    for key in raw_redis.entries(client):
        client.set(key, _damaged(client.get(key), kind), keepttl=True)
    version = 1
    with Attempt() as attempt:
        version = peer.read(1)
    return attempt.raised or ("" if version == 1 else "a wrong value")


def _batch(peer: Peer, client: Any) -> dict[str, Any]:
    client.flushall()
    peer.read_many(_BATCH)
    victim = raw_redis.entries(client)[3]
    client.set(victim, _GARBAGE, keepttl=True)
    before = peer.loader.loads()
    answered: dict[int, int] = {}
    with Attempt() as attempt:
        answered = peer.read_many(_BATCH)
    right = sum(version == 1 for version in answered.values())
    return {"raised": attempt.raised, "answered": right, "loaded": peer.loader.loads() - before}


def _damaged(data: bytes, kind: str) -> bytes:
    return {"garbage": _GARBAGE, "truncated": data[: len(data) // 2], "empty": b""}[kind]


def findings(found: dict[str, Any]) -> list[Finding]:
    kinds, batch = found["singles"], found["batch"]
    raised = {kind: name for kind, name in kinds.items() if name}
    said = ", ".join(f"{kind}: {name}" for kind, name in raised.items()) or "a miss each time"
    cell = f"raises {len(raised)}/{len(kinds)}" if raised else "miss"
    if batch is None:
        return [Finding("poisoned entry: raised", len(raised), "of 3", cell, "no exception", not raised, said)]
    lost = len(_BATCH) - batch["answered"]
    cell += f", {lost} lost" if lost else f", {batch['loaded']} reloaded"
    outcome = f"raised {batch['raised']}" if batch["raised"] else f"{batch['loaded']} loaded again"
    own_key = not lost and batch["loaded"] == 1
    return [
        Finding("poisoned entry: raised", len(raised), "of 3", cell, "no exception", not raised, said),
        Finding("poisoned batch: lost", lost, "of 10", "", "its own key", own_key, outcome),
    ]
