"""The cost of reads with some entries missing, which must be loaded, beside a floor that misses too."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import NamedTuple

from benchmarks.harness import agreement, misses
from benchmarks.harness.catalogue import Catalogue
from benchmarks.harness.load import Connection, Load, connections, drive_once
from benchmarks.harness.misses import VARIANTS, Scenario
from benchmarks.harness.rounds import interleaved, median_ratio
from benchmarks.harness.rows import Reach, Row, number, row
from benchmarks.harness.server import WebServer
from benchmarks.harness.traffic import FLOOR, OURS

FLOOR_AIM = Reach(0.70, at_least=True, aim=True)
# Untimed passes, after which each process has its connections and knows the pages.
_WARM_UP_PASSES = 2
# Enough requests of a scenario that some of them miss.
_SAMPLE = 20


class Pass(NamedTuple):
    """All requests of a variant, once, right after their misses were removed; and the server's CPU for that."""

    load: Load
    server_cpu: float


def measure(server: WebServer, catalogue: Catalogue, *, pages: int, rounds: int, clients: int) -> list[Row]:
    """Return the rows of all scenarios with misses, measured on a server with everything warm."""
    found: list[Row] = []
    with connections(server.host, server.port, clients) as opened:
        for scenario in misses.scenarios(catalogue, pages):
            _prepare(opened, scenario)
            passes = interleaved(VARIANTS, rounds, partial(_pass, server, opened, scenario))
            found += _report(scenario.name, passes)
    return found


def _prepare(opened: Sequence[Connection], scenario: Scenario) -> None:
    for variant in VARIANTS:
        scenario.missing.forget(variant)
    agreement.check(opened[0], scenario, _SAMPLE)
    for variant in VARIANTS:
        for _ in range(_WARM_UP_PASSES):
            scenario.missing.forget(variant)
            drive_once(opened, scenario.requests[variant])


def _pass(server: WebServer, opened: Sequence[Connection], scenario: Scenario, variant: str) -> Pass:
    scenario.missing.forget(variant)
    before = server.cpu_seconds()
    load = drive_once(opened, scenario.requests[variant])
    return Pass(load, server.cpu_seconds() - before)


def _report(name: str, passes: dict[str, list[Pass]]) -> list[Row]:
    ours, floor = ([done.load.per_second for done in passes[variant]] for variant in (OURS, FLOOR))
    slow, slow_floor = (_p99_ms(passes[variant]) for variant in (OURS, FLOOR))
    cpu, cpu_floor = (_cpu_us(passes[variant]) for variant in (OURS, FLOOR))
    ratio = median_ratio(ours, floor)
    return [
        row(f"{name}: throughput against {FLOOR}", median(ours), "1/s", number(median(floor)), ratio, FLOOR_AIM),
        row(f"{name}: p99 against {FLOOR}", slow, "ms", number(slow_floor), slow / slow_floor),
        row(
            f"{name}: server CPU against {FLOOR}", cpu, "us", number(cpu_floor), cpu / cpu_floor if cpu_floor else None
        ),
    ]


def _p99_ms(passes: Sequence[Pass]) -> float:
    return median(done.load.percentile_ms(0.99) for done in passes)


def _cpu_us(passes: Sequence[Pass]) -> float:
    # One pass is too short for a clock with ticks of 10 ms.
    return sum(done.server_cpu for done in passes) / sum(len(done.load.latencies_ms) for done in passes) * 1e6
