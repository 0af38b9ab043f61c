"""Gauges of the backlog of counters. The web server measures them at each scrape, so they work without a worker."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from caching import DATABASE_ERRORS
from caching.counters import Backlog, families, measure_backlog
from caching.redis import REDIS_ERRORS
from marketplace.ops.probes import Probe

# A scrape must not wait for a server that is away.
_LIMIT = 2.0
_GAUGES = {
    "counter_backlog_buckets": ("Buckets that wait for the flush.", lambda found: found.buckets),
    "counter_backlog_fields": ("Counts of ids that wait for the flush.", lambda found: found.fields),
    "counter_backlog_bytes": ("Memory that waiting buckets take in Redis.", lambda found: found.bytes),
    "counter_backlog_seconds": ("Age of the oldest bucket that waits.", lambda found: found.seconds),
    "counter_spilled": ("Increments in the spill.", lambda found: found.spilled),
    "counter_spill_rows": ("Rows of the spill.", lambda found: found.spill_rows),
    "counter_last_flush_seconds": ("Time since a flush applied something.", lambda found: found.last_flush_seconds),
    "counter_alarms": ("Alarms by age and size that stand.", lambda found: len(found.alarms())),
}


class BacklogCollector(Collector):
    """Gauges of each counter family, and whether they could be measured."""

    def __init__(self) -> None:
        self._found: dict[str, Backlog] = {}
        self._probe = Probe(self._measure, (*DATABASE_ERRORS, *REDIS_ERRORS), _LIMIT)

    def describe(self) -> list[Metric]:
        """Describe nothing, so that registering the collector asks no server."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Measure, and yield the gauges."""
        known = self._probe.start()().ok
        yield GaugeMetricFamily("counter_backlog_known", "Whether the backlog could be measured.", int(known))
        for name, (text, value) in _GAUGES.items() if known else ():
            gauge = GaugeMetricFamily(name, text, labels=["family"])
            for family, backlog in self._found.items():
                if value(backlog) is not None:
                    gauge.add_metric([family], value(backlog))
            yield gauge

    def _measure(self) -> None:
        try:
            self._found = {family.name: measure_backlog(family) for family in families()}
        finally:
            # Only this thread of the probe uses the connection.
            connection.close()


backlog = BacklogCollector()
