"""The choice of the backend by which events of offers are delivered: `OFFER_EVENTS_BACKEND`."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from offers.delivery.base import Backend
from offers.delivery.console import Console
from offers.delivery.email import Email
from offers.delivery.webhook import Webhook

_BACKENDS: dict[str, Callable[[], Backend | None]] = {
    "console": Console,
    "webhook": lambda: Webhook(settings.OFFER_WEBHOOK_URL, settings.OFFER_WEBHOOK_SECRET),
    "email": lambda: Email(settings.OFFER_EMAIL_FROM),
    "none": lambda: None,
}


def configured_backend() -> Backend | None:
    """Return the backend of the settings; None if events are not delivered."""
    return _BACKENDS[settings.OFFER_EVENTS_BACKEND]()
