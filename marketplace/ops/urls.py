"""The routes outside the API's version: the front page, probes and metrics."""

from __future__ import annotations

from django.urls import path

from marketplace.ops import front, health, metrics

urlpatterns = [
    path("", front.front_page, name="front"),
    path("livez/", health.livez, name="livez"),
    path("readyz/", health.readyz, name="readyz"),
    path("metrics/", metrics.metrics, name="metrics"),
]
