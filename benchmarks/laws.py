"""The laws, put to ours and to Django's cache, django-redis, cacheops, cachalot, dogpile.cache and cashews.

Each law runs on each peer in processes of its own, on a Redis of its own, in the way that the peer's documentation
describes; where it offers a stronger way, that has a line of its own. Peers have their own virtual environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.harness.rows import Row
from benchmarks.libraries import clear, crowd, frozen, poison, stale_set, table
from benchmarks.libraries.launch import Launcher, PeerFailed, launcher
from benchmarks.libraries.ours import Ours
from benchmarks.libraries.own_servers import NoServer
from benchmarks.libraries.peer import CLEAR, COLD, FROZEN, POISON, STALE, STALE_SET, Peer
from benchmarks.libraries.registry import PEERS
from benchmarks.libraries.verdict import Finding, LawRow, unmeasured
from marketplace.development.bootstrap import peers as installed


@dataclass(frozen=True, slots=True)
class Scale:
    """The keys to clear, the rounds of a crowd, and the peers and laws to run (all, if none is named)."""

    keys: int = 1_000_000
    rounds: int = 5
    peers: tuple[type[Peer], ...] = PEERS
    laws: tuple[str, ...] = (STALE_SET, COLD, STALE, FROZEN, POISON, CLEAR)


@dataclass(frozen=True, slots=True)
class Law:
    """How a law is put to a peer, how its outcome becomes a row, and what it needs."""

    measure: Callable[[Launcher, str, Scale], Any]
    findings: Callable[[Any], list[Finding]]
    asks: Callable[[type[Peer]], dict[str, Any]] = lambda peer: {}


def _alone(launched: Launcher, law: str, scale: Scale) -> Any:
    return launched.run(law)


LAWS = {
    STALE_SET: Law(_alone, stale_set.findings),
    COLD: Law(
        lambda launched, law, scale: crowd.cold(launched, law, scale.rounds),
        crowd.cold_findings,
        lambda peer: {"load_seconds": crowd.LOAD_SECONDS},
    ),
    STALE: Law(
        lambda launched, law, scale: crowd.stale(launched, law, scale.rounds),
        crowd.stale_findings,
        lambda peer: {"load_seconds": crowd.LOAD_SECONDS, "soft_ttl": crowd.SOFT_SECONDS},
    ),
    FROZEN: Law(_alone, frozen.findings, lambda peer: {"timeout": peer.timeout}),
    POISON: Law(_alone, poison.findings),
    CLEAR: Law(_alone, clear.findings),
}
FULL = Scale()
QUICK = Scale(keys=100_000, rounds=2)


def run(*, quick: bool) -> list[Row]:
    """Return the rows of all peers, ours at the end."""
    return list(measure(QUICK if quick else FULL))


def closing(rows: Sequence[Row]) -> str:
    """Return the table of peers and laws, which is printed after the rows."""
    columns = [
        (STALE_SET, stale_set.HEADING),
        (COLD, crowd.COLD_HEADING),
        (STALE, crowd.STALE_HEADING),
        (FROZEN, frozen.HEADING),
        (POISON, poison.HEADING),
        (CLEAR, clear.HEADING),
    ]
    return table.table([row for row in rows if isinstance(row, LawRow)], columns)


def measure(scale: Scale) -> list[LawRow]:
    """Put the laws to the peers, one after the other."""
    python = str(installed.python(os.environ))
    found: list[LawRow] = []
    for peer in scale.peers:
        print(f"{peer.title}{f', {peer.way}' if peer.way else ''} ...", file=sys.stderr, flush=True)
        for law in scale.laws:
            if law in peer.laws:
                found += _put(peer, law, python, scale)
    return found


def _put(peer: type[Peer], law: str, python: str, scale: Scale) -> list[LawRow]:
    try:
        with launcher(peer, python, scale.keys, **LAWS[law].asks(peer)) as launched:
            outcome = LAWS[law].measure(launched, law, scale)
    except (PeerFailed, NoServer) as error:
        return [unmeasured(peer.title, peer.way, law, str(error))]
    return [
        finding.row(peer.title, peer.way, law, ours=issubclass(peer, Ours)) for finding in LAWS[law].findings(outcome)
    ]
