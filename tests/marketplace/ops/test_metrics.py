"""What Prometheus scrapes: every process, by route and never by path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db(transaction=True)

_COUNT = "http_request_seconds_count"
# Run in two processes that end before the scrape; each prints its process id.
_WORK = """
import os, django
django.setup()
from django.test import Client
from prometheus_client import Gauge
Gauge("busy", "Of the test.", multiprocess_mode="liveall").set(1)
for _ in range(3):
    Client().get("/livez")
print(os.getpid())
"""
_SCRAPE = """
import django
django.setup()
from django.test import Client
print(Client().get("/metrics").content.decode())
"""


def samples(text: str, name: str) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(text)
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name
    }


def test_requests_are_counted_by_method_route_and_class_of_status(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A scrape without the shared directory reads this process only, whatever runs beside it.
    for path in ("/metrics", "/livez", "/api/v1/nothing/16"):
        api.get(path)
    api.post("/livez")
    api.generic("BREW", "/livez")
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    before = samples(api.get("/metrics").content.decode(), _COUNT)

    api.get("/livez")
    api.post("/livez")
    api.get("/api/v1/nothing/17")
    api.get("/api/v1/nothing/18")
    api.generic("BREW", "/livez")

    after = samples(api.get("/metrics").content.decode(), _COUNT)
    grown = {key: value - before.get(key, 0) for key, value in after.items()}
    assert grown[("GET", "livez", "2xx")] == 1
    assert grown[("POST", "livez", "4xx")] == 1
    assert grown[("OTHER", "livez", "4xx")] == 1
    assert grown[("GET", "unknown", "4xx")] == 2
    assert not any("17" in part for key in after for part in key)


def test_the_cache_and_the_process_are_among_the_metrics(api: APIClient) -> None:
    api.get("/api/v1/products/1/")

    text = api.get("/metrics").content.decode()

    assert "cache_reads_total" in text
    assert "http_request_seconds_bucket" in text


def test_the_scraper_chooses_its_format(api: APIClient) -> None:
    response = api.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})

    assert response["Content-Type"].startswith("application/openmetrics-text")
    assert response.content.endswith(b"# EOF\n")


@pytest.mark.fault
def test_processes_that_ended_keep_their_counts_and_lose_their_gauges(tmp_path: Path) -> None:
    # given two processes that served three requests each and are gone
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "marketplace.settings", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    def run(script: str) -> str:
        command = [sys.executable, "-W", "ignore", "-c", script]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=True).stdout

    pids = [run(_WORK).strip() for _ in range(2)]
    assert {f"gauge_liveall_{pid}.db" for pid in pids} <= {file.name for file in tmp_path.iterdir()}

    # when a third one is scraped
    text = run(_SCRAPE)

    # then their requests are there and their gauges are not
    assert samples(text, _COUNT)[("GET", "livez", "2xx")] == 6
    assert samples(text, "busy") == {}
