"""The job that delivers due events: it claims, delivers and settles batches until none is due or time is up."""

from __future__ import annotations

import logging
import random
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings

from caching.jobs import WorkBudget
from offers.delivery import outbox
from offers.delivery.backends import configured_backend
from offers.delivery.backlog import measure
from offers.delivery.base import Backend, Message, Outcome, Result
from offers.delivery.outbox import Claim, Settlement

logger = logging.getLogger(__name__)

# Seconds for a run; the next one starts ten seconds after this one did.
SECONDS = 8.0
# Seconds of a claim's lease: far more than a batch takes, which ends with the time of its run.
LEASE = 120.0
_BATCH = 50
# Events that one statement drops if no backend is configured.
_DROP_BATCH = 5000
# After this many failures in a row the receiver is considered down, and the run ends.
_MAX_FAILURES_IN_A_ROW = 3
_FIRST_DELAY = 10.0
_MAX_DELAY = 3600.0


@dataclass(slots=True)
class DeliveryStats:
    """The statistics of a run.

    Events delivered, failed (to be retried), given up and obsolete; the events that wait after the run, at most
    100,000, and how many seconds ago the oldest of them happened.
    """

    delivered: int = 0
    failed: int = 0
    given_up: int = 0
    obsolete: int = 0
    waiting: int = 0
    oldest_seconds: float = 0.0


def deliver_offer_events(budget: WorkBudget | None = None, lease: float = LEASE) -> dict[str, Any]:
    """Deliver the due events by the backend of the settings until the budget is spent; each at least once."""
    budget = budget or WorkBudget(SECONDS, 0, 0.0)
    stats = DeliveryStats()
    backend = configured_backend()
    if backend is None:
        _drop(stats, budget)
    else:
        with backend:
            _deliver_batches(backend, stats, budget, lease)
    left = measure()
    stats.waiting, stats.oldest_seconds = left.waiting, left.oldest_seconds
    return asdict(stats)


def retry_delay(attempts: int) -> float:
    """Return the seconds to wait after a number of failed attempts: exponential backoff with jitter.

    It starts at ten seconds, doubles with each attempt up to an hour, and is randomised by a quarter either way.
    """
    wait = min(_MAX_DELAY, _FIRST_DELAY * 2 ** min(attempts - 1, 20))
    return wait * random.uniform(0.75, 1.25)


def _drop(stats: DeliveryStats, budget: WorkBudget) -> None:
    while not budget.is_spent and (dropped := outbox.drop_due(_DROP_BATCH, "no backend")):
        stats.obsolete += dropped


def _deliver_batches(backend: Backend, stats: DeliveryStats, budget: WorkBudget, lease: float) -> None:
    is_up = True
    while is_up and not budget.is_spent and (claims := outbox.claim(_BATCH, lease)):
        batch = _Batch(claims)
        try:
            is_up = batch.deliver(backend, budget)
        finally:
            # Also if the worker is stopped: what was delivered is recorded, and the rest is returned.
            batch.settle(stats)


class _Batch:
    """Claimed events, and the settlements of those that were attempted."""

    def __init__(self, claims: list[Claim]) -> None:
        self._left = list(reversed(claims))
        self._settlements: list[tuple[str, Settlement]] = []

    def deliver(self, backend: Backend, budget: WorkBudget) -> bool:
        """Deliver one event after the other until time is up; return False as soon as the receiver seems to be down."""
        failures = 0
        while self._left and not budget.is_spent:
            claim = self._left[-1]
            name, settlement = _process(claim, backend)
            self._left.pop()
            self._settlements.append((name, settlement))
            failures = failures + 1 if name in ("failed", "given_up") else 0
            if failures == _MAX_FAILURES_IN_A_ROW:
                return False
        return True

    def settle(self, stats: DeliveryStats) -> None:
        """Record the outcome of each attempt, and return the events that were not attempted."""
        held = outbox.settle([*(settlement for _, settlement in self._settlements), *map(outbox.returned, self._left)])
        for name, settlement in self._settlements:
            if settlement.id in held:
                setattr(stats, name, getattr(stats, name) + 1)
            else:
                logger.warning("event %d took longer than its lease and was claimed again", settlement.id)


def _process(claim: Claim, backend: Backend) -> tuple[str, Settlement]:
    """Deliver an event unless it is obsolete or exhausted; return the statistic to increment, and the settlement."""
    if claim.message is None or claim.obsolete:
        return "obsolete", outbox.obsolete(claim, claim.obsolete)
    if claim.attempts > settings.OFFER_EVENT_ATTEMPTS:
        # The worker died in each attempt so far, so it might die in this one too.
        return "given_up", outbox.given_up(claim, f"no attempt of {claim.attempts - 1} came to an end")
    return _settlement(claim, _attempt(backend, claim.message))


def _attempt(backend: Backend, message: Message) -> Outcome:
    try:
        return backend.deliver(message)
    except Exception as error:
        # A bug that one event triggers must not block the others.
        logger.exception("event %d could not be delivered", message.event)
        return Outcome(Result.FAILED, f"{type(error).__name__}: {error}")


def _settlement(claim: Claim, outcome: Outcome) -> tuple[str, Settlement]:
    if outcome.result is Result.DELIVERED:
        return "delivered", outbox.delivered(claim)
    if outcome.result is Result.NO_RECIPIENT:
        return "obsolete", outbox.obsolete(claim, outcome.error)
    if outcome.result is Result.REFUSED or claim.attempts >= settings.OFFER_EVENT_ATTEMPTS:
        return "given_up", outbox.given_up(claim, outcome.error, outcome.notified)
    return "failed", outbox.failed(claim, outcome.error, retry_delay(claim.attempts), outcome.notified)
