"""The state of each delivery in the admin: every event is in exactly one."""

from __future__ import annotations

import pytest
from django.db.models import Q

from offers.admin.deliveries import DeliveryState, in_delivery_state
from offers.delivery import outbox
from offers.models import OfferEvent
from tests.factories import OfferEventFactory

pytestmark = pytest.mark.django_db


def test_each_event_is_in_one_delivery_state_whatever_the_outbox_does() -> None:
    # given one event for each settlement of a claim
    for _ in range(5):
        OfferEventFactory()
    OfferEventFactory(kind="made", due_at=None)
    first, second, third, fourth, _ = outbox.claim(5, lease=60)
    outbox.settle(
        [
            outbox.delivered(first),
            outbox.failed(second, "no answer", wait=60),
            outbox.given_up(third, ""),
            outbox.obsolete(fourth, "no address"),
        ]
    )
    # then each is in the one state that the outbox means
    found = {
        str(delivery): OfferEvent.objects.filter(in_delivery_state(delivery)).count() for delivery in DeliveryState
    }
    assert found == {"waiting": 2, "delivered": 1, "given_up": 1, "obsolete": 1, "none": 1}
    assert OfferEvent.objects.filter(Q(*map(in_delivery_state, DeliveryState), _connector=Q.OR)).count() == 6
