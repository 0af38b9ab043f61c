"""Server: how many processes and threads, and which options, answer warm reads best.

All configurations run at once and idle while one of them is measured, so that their rounds can be interleaved. Each
answers details and batches for eight clients, as in `http`, beside the configuration of bin/dev. The clients reconnect
for each turn, because the spread of a few connections over the processes is random.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from benchmarks.harness import traffic
from benchmarks.harness.catalogue import make_catalogue
from benchmarks.harness.load import Load, connections, drive
from benchmarks.harness.rounds import interleaved, median_ratio
from benchmarks.harness.rows import Row, number, row
from benchmarks.harness.server import WebServer, web_server
from benchmarks.harness.traffic import OURS
from benchmarks.peers.warm import warm
from marketplace.development.programs import WEB_THREADS, WEB_WORKERS

CONNECTIONS = 8
_UNFROZEN = "benchmarks.peers.unfrozen:application"


@dataclass(frozen=True, slots=True)
class Configuration:
    """A way to start the server: processes, threads of each, more options, and the application to serve."""

    workers: int
    threads: int
    options: tuple[str, ...] = ()
    application: str = ""

    @property
    def name(self) -> str:
        said = " ".join(option.removeprefix("--") for option in self.options)
        without = "without gc.freeze" if self.application == _UNFROZEN else ""
        return " ".join(filter(None, [f"{self.workers}x{self.threads}", said, without]))

    def adapt(self, argv: list[str]) -> list[str]:
        """Return the command line with this configuration in place of the one of bin/dev."""
        *command, application = argv
        for option, value in (("--workers", self.workers), ("--blocking-threads", self.threads)):
            command[command.index(option) + 1] = str(value)
        return [*command, *self.options, self.application or application]

    def environment(self) -> dict[str, str]:
        """Return the environment of such a server; the pool of database connections is sized to the threads."""
        return {**os.environ, "WEB_THREADS": str(self.threads)}


CHOSEN = Configuration(WEB_WORKERS, WEB_THREADS)
_SIZES = [Configuration(workers, threads) for workers, threads in ((1, 1), (1, 4), (2, 1), (2, 2), (2, 4), (2, 8))]
_VARIATIONS = [
    Configuration(WEB_WORKERS, WEB_THREADS, ("--runtime-mode", "mt", "--runtime-threads", "2")),
    # Backpressure counts idle connections too, so it must not be smaller than the connections of a process.
    Configuration(WEB_WORKERS, WEB_THREADS, ("--backpressure", str(CONNECTIONS))),
    Configuration(WEB_WORKERS, WEB_THREADS, application=_UNFROZEN),
]
CONFIGURATIONS = [*_SIZES, *([] if CHOSEN in _SIZES else [CHOSEN]), *_VARIATIONS]


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: the data, the rounds, and the seconds of each configuration's turn in them."""

    products: int = 5_000
    rounds: int = 24
    seconds: float = 0.25
    warm_up_seconds: float = 0.4


FULL = Scale()
QUICK = Scale(products=1_000, rounds=3, seconds=0.15, warm_up_seconds=0.1)


class Turn(NamedTuple):
    """One configuration's turn in a round, and its server's CPU for it."""

    load: Load
    server_cpu: float


def run(*, quick: bool) -> list[Row]:
    """Return the rows of all configurations."""
    return measure(QUICK if quick else FULL, CONFIGURATIONS)


def measure(scale: Scale, configurations: Sequence[Configuration]) -> list[Row]:
    """Make and warm the data, start a server of each configuration, and measure both reads; CHOSEN is among them."""
    catalogue = make_catalogue(scale.products, users=6)
    warm(catalogue, pages=1)
    scenarios = [each for each in traffic.scenarios(catalogue, pages=1) if each.name in ("detail", "batch of 100")]
    found: list[Row] = []
    with ExitStack() as stack:
        servers = {
            each.name: stack.enter_context(web_server(each.environment(), each.adapt)) for each in configurations
        }
        for scenario in scenarios:
            found += _report(scenario.name, _measure(servers, scenario.requests[OURS], scale))
    return found


def _measure(servers: Mapping[str, WebServer], requests: Sequence[bytes], scale: Scale) -> dict[str, list[Turn]]:
    for server in servers.values():
        _turn(server, requests, scale.warm_up_seconds)
    return interleaved(list(servers), scale.rounds, lambda name: _turn(servers[name], requests, scale.seconds))


def _turn(server: WebServer, requests: Sequence[bytes], seconds: float) -> Turn:
    with connections(server.host, server.port, CONNECTIONS) as opened:
        before = server.cpu_seconds()
        load = drive(opened, requests, seconds)
        return Turn(load, server.cpu_seconds() - before)


def _report(read: str, turns: Mapping[str, Sequence[Turn]]) -> list[Row]:
    found: list[Row] = []
    for name, measured in turns.items():
        found += _rows(f"{read}, {name}", measured, turns[CHOSEN.name])
    return found


def _rows(name: str, measured: Sequence[Turn], chosen: Sequence[Turn]) -> list[Row]:
    rates, beside = ([turn.load.per_second for turn in turns] for turns in (measured, chosen))
    p50s, p99s = ([turn.load.percentile_ms(part) for turn in measured] for part in (0.5, 0.99))
    chosen_p99 = median(turn.load.percentile_ms(0.99) for turn in chosen)
    cpu, chosen_cpu = _cpu_us(measured), _cpu_us(chosen)
    return [
        row(f"{name}: throughput", median(rates), "1/s", number(median(beside)), median_ratio(rates, beside)),
        row(f"{name}: median", median(p50s), "ms"),
        row(f"{name}: p99", median(p99s), "ms", number(chosen_p99), median(p99s) / chosen_p99),
        row(f"{name}: server CPU", cpu, "us", number(chosen_cpu), cpu / chosen_cpu if chosen_cpu else None),
    ]


def _cpu_us(turns: Sequence[Turn]) -> float:
    # One turn is too short for a clock with ticks of 10 ms.
    return sum(turn.server_cpu for turn in turns) / sum(len(turn.load.latencies_ms) for turn in turns) * 1e6
