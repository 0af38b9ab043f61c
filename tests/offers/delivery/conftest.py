"""A webhook and its receiver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from offers.delivery.webhook import Webhook
from tests.offers.delivery.webhook_receiver import SECRET, Receiver, webhook_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as receiver:
        yield receiver


@pytest.fixture
def webhook(receiver: Receiver) -> Iterator[Webhook]:
    with Webhook(receiver.url, SECRET, timeout=1.0) as webhook:
        yield webhook
