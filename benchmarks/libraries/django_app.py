"""The app of the model that queryset caches read; some of them look it up by its label."""

from __future__ import annotations

from django.apps import AppConfig


class LawsConfig(AppConfig):
    """Holds one model, which `orm` defines when the peer is set up."""

    name = "benchmarks.libraries"
    label = "laws"
