"""Delivery by webhook: one signed POST for each event, as <https://www.standardwebhooks.com> specifies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as HTTPTimeout
from urllib3.util import parse_url

from offers.delivery.base import DELIVERED, Message, Outcome, Result
from offers.delivery.total_timeout import TOTAL, TotalTimeout

# Seconds for the connection, and for each read after it.
TIMEOUT = 5.0
# Standard Webhooks: the receiver does not want to be called again.
_GONE = 410
_MAX_READ = 1000


class Webhook:
    """A backend that posts to one address over one connection. It neither follows redirects nor retries."""

    def __init__(self, url: str, secret: str, timeout: float = TIMEOUT, total: float = TOTAL) -> None:
        self._target = parse_url(url).request_uri
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._timeout = timeout
        self._total = total
        self._sock: socket.socket | None = None
        self._pool = urllib3.connection_from_url(url, maxsize=1, retries=False)
        self._pool.ConnectionCls = _reporting_socket(self._pool.ConnectionCls, self._keep_socket)

    def __enter__(self) -> Webhook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.close()

    def deliver(self, message: Message) -> Outcome:
        """Post one event; only a 2xx answer counts as delivered."""
        with TotalTimeout(self._total, lambda: self._sock) as timeout:
            outcome = self._attempt(message)
        # After a timeout the outcome comes from a truncated answer.
        return Outcome(Result.FAILED, timeout.reason) if timeout.timed_out else outcome

    def _attempt(self, message: Message) -> Outcome:
        body = json.dumps(payload(message), ensure_ascii=False, separators=(",", ":")).encode()
        try:
            status = self._post(body, self._headers(message, body))
        except NewConnectionError:
            return Outcome(Result.FAILED, "no connection")
        except HTTPTimeout:
            return Outcome(Result.FAILED, f"no answer within {self._timeout:g} s")
        except HTTPError as error:
            # Only the class: the message can contain the address, and the address a token.
            return Outcome(Result.FAILED, type(error).__name__)
        if 200 <= status < 300:
            return DELIVERED
        return Outcome(Result.REFUSED if status == _GONE else Result.FAILED, f"answered {status}")

    def _post(self, body: bytes, headers: dict[str, str]) -> int:
        response = self._pool.request(
            "POST",
            self._target,
            body=body,
            headers=headers,
            timeout=urllib3.Timeout(connect=self._timeout, read=self._timeout),
            redirect=False,
            preload_content=False,
        )
        try:
            # Reads a short answer whole, so that the connection can be reused. The rest of a long one is not needed.
            response.read1(_MAX_READ)
        finally:
            response.release_conn() if response.length_remaining == 0 else response.close()
        return response.status

    def _keep_socket(self, sock: socket.socket) -> None:
        self._sock = sock

    def _headers(self, message: Message, body: bytes) -> dict[str, str]:
        # By the database's clock, since receivers refuse timestamps that are minutes in the past or in the future.
        timestamp = str(int(datetime.fromisoformat(message.claimed_at).timestamp()))
        return {
            "Content-Type": "application/json",
            "User-Agent": "marketplace-offers",
            "webhook-id": message.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(self._key, message.id, timestamp, body),
        }


def payload(message: Message) -> dict[str, Any]:
    """Return the JSON of an event. It has the ids of the parties, not their names or addresses."""
    return {
        "type": f"offer.{message.kind}",
        "timestamp": message.at,
        "data": {
            "event_id": message.event,
            "offer_id": message.offer,
            "product_id": message.product,
            "buyer_id": message.buyer.id,
            "seller_id": message.seller.id,
            "amount": message.amount,
            "currency": message.currency,
            "status": message.status,
            "expires_at": message.expires_at,
        },
    }


def signature(key: bytes, id: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a message: HMAC-SHA256 over id, timestamp and body, as Standard Webhooks specifies."""
    digest = hmac.digest(key, b".".join((id.encode(), timestamp.encode(), body)), hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _reporting_socket(kind: type[Any], note: Callable[[socket.socket], None]) -> type[Any]:
    """Return a connection class that reports its socket after connecting.

    urllib3 hands the socket to the response, where the timeout could not find it.
    """

    class ReportingConnection(kind):  # type: ignore[misc]
        def connect(self) -> None:
            super().connect()
            note(self.sock)

    return ReportingConnection
