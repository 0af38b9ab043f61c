"""In a process of its own: makes, extends, withdraws and declines offers by the real services."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model

from benchmarks.harness.pause import Pause
from offers.lifecycle.creation import make_offer
from offers.lifecycle.lifetime import Lifetime
from offers.lifecycle.state_machine import Actor, Role
from offers.lifecycle.transitions import decline, extend, withdraw
from offers.models import Offer, OfferStatus

# Rows that each action writes: an offer and an event.
ROWS = 2
# The longest lifetime allowed, less a minute for the request.
_LONGEST_SECONDS = 30 * 24 * 3600 - 60
_SHORT_SECONDS = 24 * 3600

Order = dict[str, Any]


def trade(orders: Iterator[Order]) -> Iterator[Any]:
    """Receive buyers, products without offers, and offers to act on; then orders to trade for some seconds.

    It ends sooner when it is asked to by `Child.ask`.
    """
    pause = Pause().listen()
    yield "ready"
    actions = _actions(next(orders))
    yield "given"
    for order in orders:
        yield _trade(actions, order["seconds"], pause)


def _trade(actions: Iterator[Callable[[], object]], seconds: float, pause: Pause) -> dict[str, float]:
    """Return the rows written and the seconds taken."""
    began, done = time.monotonic(), 0
    while not pause.take() and time.monotonic() < began + seconds:
        next(actions)()
        done += 1
    return {"rows": done * ROWS, "seconds": time.monotonic() - began}


def _actions(given: Order) -> Iterator[Callable[[], object]]:
    """Yield actions in turn, each on another offer except for those that were just made."""
    users = get_user_model().objects.in_bulk([*given["buyers"], given["seller"]])
    pairs = itertools.product(given["products"], given["buyers"])
    existing = iter(given["offers"])
    made: list[Offer] = []

    def make() -> None:
        product, buyer = next(pairs)
        made.append(make_offer(users[buyer], product, Decimal(5), Lifetime(expires_in=_SHORT_SECONDS)))

    def take_back() -> None:
        offer = made.pop()
        withdraw(offer.pk, users[offer.buyer_id])

    def put_off() -> None:
        id, buyer = next(existing)
        extend(id, Actor(Role.BUYER, users[buyer]), Lifetime(expires_in=_LONGEST_SECONDS))

    def turn_down() -> None:
        id, _ = next(existing)
        assert decline(id, Actor(Role.SELLER, users[given["seller"]])).status == OfferStatus.DECLINED

    return itertools.cycle([make, put_off, make, turn_down, take_back, put_off])
