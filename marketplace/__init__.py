"""The wiring of the marketplace: settings, URLs, the Celery application and the operational endpoints."""

from __future__ import annotations

from marketplace.celery import app as celery_app

__all__ = ["celery_app"]
