"""A courier that is killed: another delivers its events after the lease, under the same ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from offers.clock import database_now
from offers.delivery import courier
from offers.delivery.courier import deliver_offer_events
from offers.models import OfferEvent
from tests.caching.other_process import OtherProcess
from tests.deploy.services import wait_until
from tests.factories import OfferEventFactory
from tests.offers.delivery import killed_courier
from tests.offers.delivery.killed_courier import Notebook

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]

# Seconds; long enough that a test can only be waiting for the lease.
LEASE = 3.0


@pytest.fixture
def other(process_env: dict[str, str]) -> Iterator[OtherProcess]:
    process = OtherProcess(process_env)
    yield process
    process.kill()


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file to which couriers write, including the one of this process."""
    path = tmp_path / "notes"
    path.touch()
    monkeypatch.setattr(courier, "configured_backend", lambda: Notebook(str(path)))
    return path


@pytest.mark.parametrize(
    ("act", "delivered_before"),
    [(killed_courier.die_before_delivery, 0), (killed_courier.die_before_settlement, 3)],
    ids=["before the delivery", "before the settlement"],
)
def test_events_of_a_killed_courier_are_delivered_after_the_lease(
    other: OtherProcess, notes: Path, act: Callable[..., Any], delivered_before: int
) -> None:
    # Given three events, and a courier that is killed with its claim on them
    events = OfferEventFactory.create_batch(3)
    with pytest.raises(EOFError):
        other.call(act, str(notes), LEASE)
    before = notes.read_text().splitlines()
    assert len(before) == delivered_before
    assert set(OfferEvent.objects.values_list("attempts", "delivered_at")) == {(1, None)}
    # When another courier runs within the lease, it does not claim them
    assert deliver_offer_events()["delivered"] == 0
    assert min(OfferEvent.objects.values_list("due_at", flat=True)) > database_now() - timedelta(seconds=LEASE)
    # And after the lease it delivers all
    wait_until(lambda: deliver_offer_events()["waiting"] == 0)
    after = notes.read_text().splitlines()[delivered_before:]
    assert len(after) == len(set(after)) == len(events)
    # Then the ids are the same
    assert delivered_before == 0 or sorted(after) == sorted(before)
    assert None not in OfferEvent.objects.values_list("delivered_at", flat=True)
