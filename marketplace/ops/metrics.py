"""Prometheus: the series that count requests, and the page that is scraped."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from prometheus_client import REGISTRY, CollectorRegistry, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from marketplace.ops.backlog import backlog
from marketplace.ops.methods import read_only
from marketplace.ops.offer_events import offer_events

_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
_PROCESS_FILE = re.compile(r"gauge_live\w*_(\d+)\.db\Z")
# From a cache hit to a statement timeout, in seconds.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

REQUESTS = Histogram(
    "http_request_seconds",
    "Time to answer, by method, route and class of the status.",
    ["method", "route", "status"],
    buckets=_BUCKETS,
)
REGISTRY.register(backlog)
REGISTRY.register(offer_events)


@lru_cache(maxsize=2048)
def series(method: str, route: str, status_class: int) -> Histogram:
    """Return the series of one kind of request; cached, because the look-up of labels costs more than counting."""
    return REQUESTS.labels(method, route, f"{status_class}xx")


@csrf_exempt
@read_only
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer what all processes of this deployment counted, in the format that the scraper asks for."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    body = encode(_registry())
    return HttpResponse(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})


def _registry() -> CollectorRegistry:
    directory = os.environ.get(_DIRECTORY)
    if not directory:
        return REGISTRY
    for pid in _dead(Path(directory)):
        mark_process_dead(pid, directory)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, directory)
    registry.register(backlog)
    registry.register(offer_events)
    return registry


def _dead(directory: Path) -> Iterator[int]:
    """Yield the pids of ended processes that left live gauges behind. Their counters stay, since those are sums."""
    pids = {int(match[1]) for file in directory.iterdir() if (match := _PROCESS_FILE.match(file.name))}
    for pid in pids:
        if not Path(f"/proc/{pid}").exists():
            yield pid
