"""Probes, metrics and the front page."""

from __future__ import annotations

from django.apps import AppConfig


class OpsConfig(AppConfig):
    """Registers the app with Django."""

    name = "marketplace.ops"
    label = "ops"
    verbose_name = "Ops"
