"""Checks that ours and the peers answer the same, so that their times can be compared."""

from __future__ import annotations

import json
from typing import Any, Protocol

from benchmarks.harness.load import Connection
from benchmarks.harness.traffic import OURS


class Asked(Protocol):
    """A scenario: its name, and its requests by variant."""

    name: str
    requests: dict[str, list[bytes]]


class Disagreement(Exception):
    """A peer and ours gave different answers to the same request."""


def check(connection: Connection, scenario: Asked, sample: int = 3) -> None:
    """Send the first few requests to all variants; view counts and links may differ. Raises Disagreement."""
    for variant, requests in scenario.requests.items():
        for ours, theirs in zip(scenario.requests[OURS][:sample], requests[:sample], strict=True):
            expected, answered = _answer(connection, ours), _answer(connection, theirs)
            if answered != expected:
                raise Disagreement(f"{scenario.name}: {variant} answers {answered!r:.300}, ours {expected!r:.300}")


def _answer(connection: Connection, request: bytes) -> Any:
    answer = json.loads(connection.exchange(request))
    results = answer.get("results", [answer]) if isinstance(answer, dict) else answer
    for item in results:
        item.pop("view_count", None)
    return results
