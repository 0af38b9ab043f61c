"""Gauges of late offers and events. The web server measures them at each scrape, so they work without a worker."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from caching import DATABASE_ERRORS
from marketplace.ops.probes import Probe
from offers.delivery import backlog
from offers.overdue import overdue

# A scrape must not wait for a server that is away.
_LIMIT = 2.0
_GAUGES = {
    "offer_events_waiting": "Events of offers that wait to be delivered, counted to 100,000.",
    "offer_events_oldest_seconds": "Time since the oldest of them happened.",
    "offer_events_given_up": "Events of offers that were given up, counted to 100,000.",
    "offers_due": "Offers that have ended and are not closed yet, counted to 100,000.",
    "offers_due_oldest_seconds": "Time for which the first of them has been due.",
}


class OfferEventsCollector(Collector):
    """The gauges, and whether they could be measured."""

    def __init__(self) -> None:
        self._found: dict[str, float] = {}
        self._probe = Probe(self._measure, DATABASE_ERRORS, _LIMIT)

    def describe(self) -> list[Metric]:
        """Describe nothing, so that registering the collector asks no server."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Measure, and yield the gauges."""
        known = self._probe.start()().ok
        yield GaugeMetricFamily("offer_events_known", "Whether events of offers could be counted.", int(known))
        for name, text in _GAUGES.items() if known else ():
            yield GaugeMetricFamily(name, text, self._found[name])

    def _measure(self) -> None:
        try:
            events, late = backlog.measure(), overdue()
            self._found = {
                "offer_events_waiting": events.waiting,
                "offer_events_oldest_seconds": events.oldest_seconds,
                "offer_events_given_up": backlog.count_given_up(),
                "offers_due": late.count,
                "offers_due_oldest_seconds": late.oldest_seconds,
            }
        finally:
            # Only this thread of the probe uses the connection.
            connection.close()


offer_events = OfferEventsCollector()
