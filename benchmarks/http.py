"""HTTP: a product, a feed page and both batches, beside a bare Django view and a conventional DRF view.

Latency is measured on one connection, throughput on eight; all three variants are served by the same processes, over
the same connections, in interleaved rounds. The same reads with misses stand beside a floor that misses too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.harness import agreement, traffic
from benchmarks.harness.catalogue import make_catalogue
from benchmarks.harness.load import Connection, Load, connections, drive
from benchmarks.harness.rounds import interleaved, median_ratio
from benchmarks.harness.rows import Reach, Row, number, row
from benchmarks.harness.server import WebServer, web_server
from benchmarks.harness.traffic import CONVENTIONAL, FLOOR, OURS, Scenario
from benchmarks.peers.warm import warm
from benchmarks.serving import misses

CONNECTIONS = 8
# The longest median for one client.
MEDIAN_MS = Reach(10.0, at_least=False, unit="ms")
# With more the client would slow down the server that it measures.
CLIENT_CORES = Reach(0.5, at_least=False, unit="cores")
P99_TIMES_MEDIAN = Reach(4.0, at_least=False, aim=True)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: the data, the rounds, and the seconds of each variant's turn in them.

    Many short rounds are less affected by a busy machine than few long ones.
    """

    products: int = 5_000
    users: int = 1_000
    pages: int = 50
    rounds: int = 20
    miss_rounds: int = 10
    latency_seconds: float = 0.15
    throughput_seconds: float = 0.5
    warm_up_seconds: float = 0.5


FULL = Scale()
QUICK = Scale(rounds=5, miss_rounds=3, latency_seconds=0.06, throughput_seconds=0.15, warm_up_seconds=0.1)


@dataclass(frozen=True, slots=True)
class Turn:
    """One variant's turn in a round: one connection, then eight, and the server's CPU for the latter."""

    alone: Load
    loaded: Load
    server_cpu: float


def run(*, quick: bool) -> list[Row]:
    """Return the rows of all scenarios."""
    return measure(QUICK if quick else FULL)


def measure(scale: Scale) -> list[Row]:
    """Make and warm the data, start the server, and measure each scenario."""
    catalogue = make_catalogue(scale.products, scale.users)
    warm(catalogue, scale.pages)
    found: list[Row] = []
    measured: list[Turn] = []
    with web_server(os.environ) as server:
        for scenario in traffic.scenarios(catalogue, scale.pages):
            turns = _measure(server, scenario, scale)
            found += _report(scenario.name, scenario, turns)
            measured += [turn for variant in turns.values() for turn in variant]
        found += misses.measure(server, catalogue, pages=scale.pages, rounds=scale.miss_rounds, clients=CONNECTIONS)
    return [*found, _client(measured)]


def _measure(server: WebServer, scenario: Scenario, scale: Scale) -> dict[str, list[Turn]]:
    with connections(server.host, server.port, CONNECTIONS) as opened:
        agreement.check(opened[0], scenario)
        for requests in scenario.requests.values():
            drive(opened, requests, scale.warm_up_seconds)
        return interleaved(
            list(scenario.requests),
            scale.rounds,
            lambda variant: _turn(server, opened, scenario.requests[variant], scale),
        )


def _turn(server: WebServer, opened: Sequence[Connection], requests: Sequence[bytes], scale: Scale) -> Turn:
    alone = drive(opened[:1], requests, scale.latency_seconds)
    before = server.cpu_seconds()
    loaded = drive(opened, requests, scale.throughput_seconds)
    return Turn(alone, loaded, server.cpu_seconds() - before)


def _report(name: str, scenario: Scenario, turns: dict[str, list[Turn]]) -> list[Row]:
    ours, floor = turns[OURS], turns[FLOOR]
    alone, alone_floor = _median_ms(ours), _median_ms(floor)
    alone_p99 = median(turn.alone.percentile_ms(0.99) for turn in ours)
    ratio = median_ratio([t.alone.percentile_ms(0.5) for t in ours], [t.alone.percentile_ms(0.5) for t in floor])
    return [
        row(f"{name}: median, one client", alone, "ms", f"floor {number(alone_floor)}", ratio, MEDIAN_MS),
        row(f"{name}: p99, one client", alone_p99, "ms", f"its median {number(alone)}", alone_p99 / alone),
        _throughput(name, turns, FLOOR, scenario.floor_aim),
        _throughput(name, turns, CONVENTIONAL, scenario.conventional_aim),
        _loaded_p99(name, ours),
        _cpu(name, turns, FLOOR),
        _cpu(name, turns, CONVENTIONAL),
    ]


def _median_ms(turns: Sequence[Turn]) -> float:
    return median(turn.alone.percentile_ms(0.5) for turn in turns)


def _throughput(name: str, turns: dict[str, list[Turn]], peer: str, aim: float | None) -> Row:
    ours, theirs = ([turn.loaded.per_second for turn in turns[variant]] for variant in (OURS, peer))
    reach = Reach(aim, at_least=True, aim=True) if aim is not None else None
    beside = number(median(theirs))
    return row(f"{name}: throughput against {peer}", median(ours), "1/s", beside, median_ratio(ours, theirs), reach)


def _loaded_p99(name: str, turns: Sequence[Turn]) -> Row:
    p99s, middles = ([turn.loaded.percentile_ms(part) for turn in turns] for part in (0.99, 0.5))
    beside = f"its median {number(median(middles))}"
    ratio = median_ratio(p99s, middles)
    return row(f"{name}: p99, {CONNECTIONS} clients", median(p99s), "ms", beside, ratio, P99_TIMES_MEDIAN)


def _cpu(name: str, turns: dict[str, list[Turn]], peer: str) -> Row:
    ours, theirs = _cpu_us(turns[OURS]), _cpu_us(turns[peer])
    return row(f"{name}: server CPU against {peer}", ours, "us", number(theirs), ours / theirs)


def _cpu_us(turns: Sequence[Turn]) -> float:
    # One turn is too short for a clock with ticks of 10 ms.
    return sum(turn.server_cpu for turn in turns) / sum(len(turn.loaded.latencies_ms) for turn in turns) * 1e6


def _client(turns: Sequence[Turn]) -> Row:
    busiest = max(turn.loaded.client_cpu / turn.loaded.seconds for turn in turns)
    return row("load generator: its busiest turn", busiest, "cores", reach=CLIENT_CORES)
