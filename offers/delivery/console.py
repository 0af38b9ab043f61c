"""Delivery to the log, one line for each event, for development."""

from __future__ import annotations

import logging
from types import TracebackType

from offers.delivery.base import DELIVERED, Message, Outcome

logger = logging.getLogger(__name__)


class Console:
    """A backend that logs."""

    def __enter__(self) -> Console:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def deliver(self, message: Message) -> Outcome:
        """Log one readable line."""
        logger.info(
            "offer %d %s: %s %s on %r by %s to %s, ends %s (%s)",
            message.offer,
            message.kind,
            message.amount,
            message.currency,
            message.title,
            message.buyer.name,
            message.seller.name,
            message.expires_at,
            message.id,
        )
        return DELIVERED
