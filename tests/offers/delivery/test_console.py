"""The console backend: one line of the log for each event."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from offers.delivery.courier import deliver_offer_events
from tests.factories import OfferEventFactory

pytestmark = pytest.mark.django_db


def test_an_event_is_one_line_of_the_log(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.OFFER_EVENTS_BACKEND = "console"
    event = OfferEventFactory()

    with caplog.at_level(logging.INFO, logger="offers.delivery.console"):
        deliver_offer_events()

    (line,) = [record.getMessage() for record in caplog.records if record.name == "offers.delivery.console"]
    assert line.startswith(f"offer {event.offer_id} expired: 10.00 EUR on 'Product ")
