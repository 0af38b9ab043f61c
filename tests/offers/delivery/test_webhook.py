"""The webhook, against a real server: signed as specified, only 2xx is delivered, and nothing holds it up for long."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from caching.jobs.work_budget import WorkBudget
from offers.clock import database_now
from offers.delivery import courier
from offers.delivery.base import DELIVERED, Message, Outcome, Party, Result
from offers.delivery.courier import deliver_offer_events
from offers.delivery.webhook import Webhook
from offers.models import OfferEvent
from tests.database_clock import database_clock
from tests.deploy.services import free_port
from tests.factories import OfferEventFactory
from tests.offers.delivery.tls_certificate import serve_tls

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
MESSAGE = Message(
    id="offer-7-expired-1583298367000089",
    event=11,
    kind="expired",
    at="2020-03-04T05:06:07.000089Z",
    offer=7,
    status="expired",
    expires_at="2020-03-04T05:06:07.000089Z",
    amount="12.50",
    currency="EUR",
    product=3,
    title="Lämp “de luxe”",
    buyer=Party(1, "Bea", "bea@example.com"),
    seller=Party(2, "Sam", "sam@example.com"),
    claimed_at="2020-03-04T05:06:08.5Z",
)


class Request(NamedTuple):
    """A request as it arrived, and from where."""

    path: str
    headers: dict[str, str]
    body: bytes
    client: tuple[str, int]


class Receiver(ThreadingHTTPServer):
    """A server that answers what it is told to answer, and keeps the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[Request] = []
        self.answer: Callable[[_Handler], None] = answering(204)

    def handle_error(self, *_: Any) -> None:
        """Say nothing of those who hung up."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append(Request(self.path, headers, body, self.client_address))
        self.server.answer(self)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


def answering(status: int, body: bytes = b"", **headers: str) -> Callable[[_Handler], None]:
    def answer(handler: _Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if status != 204:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def dripping(begin: bytes, drop: bytes) -> Callable[[_Handler], None]:
    """Answer with a beginning, and then with one drop after the other for as long as somebody listens."""

    def answer(handler: _Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(begin)
        for _ in range(100):
            handler.wfile.write(drop)
            time.sleep(0.05)

    return answer


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def webhook(receiver: Receiver) -> Iterator[Webhook]:
    with Webhook(receiver.url, SECRET, timeout=0.3) as webhook:
        yield webhook


def test_an_event_is_posted_with_what_a_receiver_needs_and_nothing_personal(
    webhook: Webhook, receiver: Receiver
) -> None:
    assert webhook.deliver(MESSAGE) == DELIVERED

    (request,) = receiver.requests
    assert (request.path, request.headers["content-type"]) == ("/hook", "application/json")
    assert json.loads(request.body) == {
        "type": "offer.expired",
        "timestamp": "2020-03-04T05:06:07.000089Z",
        "data": {
            "event_id": 11,
            "offer_id": 7,
            "product_id": 3,
            "buyer_id": 1,
            "seller_id": 2,
            "amount": "12.50",
            "currency": "EUR",
            "status": "expired",
            "expires_at": "2020-03-04T05:06:07.000089Z",
        },
    }


def test_it_is_signed_as_standard_webhooks_specifies(webhook: Webhook, receiver: Receiver) -> None:
    webhook.deliver(MESSAGE)

    (request,) = receiver.requests
    id, timestamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    signed = f"{id}.{timestamp}.".encode() + request.body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"
    assert (id, timestamp) == (MESSAGE.id, "1583298368")


def test_the_signature_is_that_of_the_specifications_own_example() -> None:
    from offers.delivery.webhook import signature

    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    assert (
        signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_many_events_take_one_connection(webhook: Webhook, receiver: Receiver) -> None:
    receiver.answer = answering(200, b'{"ok": true}')

    assert [webhook.deliver(MESSAGE) for _ in range(5)] == [DELIVERED] * 5

    assert len({request.client for request in receiver.requests}) == 1


def test_a_connection_that_the_receiver_closed_is_replaced(webhook: Webhook, receiver: Receiver) -> None:
    receiver.answer = answering(200, b"ok", Connection="close")

    assert [webhook.deliver(MESSAGE) for _ in range(3)] == [DELIVERED] * 3

    assert len({request.client for request in receiver.requests}) == 3


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(webhook: Webhook, receiver: Receiver, status: int) -> None:
    receiver.answer = answering(status)

    assert webhook.deliver(MESSAGE) == DELIVERED


@pytest.mark.parametrize("status", [304, 400, 401, 404, 408, 429, 500, 502, 503])
def test_anything_else_is_tried_again(webhook: Webhook, receiver: Receiver, status: int) -> None:
    receiver.answer = answering(status, b"" if status == 304 else b"not now")

    assert webhook.deliver(MESSAGE) == Outcome(Result.FAILED, f"answered {status}")
    assert len(receiver.requests) == 1


def test_a_receiver_that_is_gone_is_not_asked_again(webhook: Webhook, receiver: Receiver) -> None:
    receiver.answer = answering(410)

    assert webhook.deliver(MESSAGE) == Outcome(Result.REFUSED, "answered 410")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(webhook: Webhook, receiver: Receiver, status: int) -> None:
    receiver.answer = answering(status, Location=f"{receiver.url}/elsewhere")

    assert webhook.deliver(MESSAGE) == Outcome(Result.FAILED, f"answered {status}")
    assert [request.path for request in receiver.requests] == ["/hook"]


def test_a_receiver_that_hangs_is_left_after_the_timeout(webhook: Webhook, receiver: Receiver) -> None:
    # Given a receiver that takes a request and says nothing
    end = threading.Event()
    receiver.answer = lambda handler: (end.wait(10), answering(204)(handler))[1]
    # When
    began = time.monotonic()
    outcome = webhook.deliver(MESSAGE)
    took = time.monotonic() - began
    # Then it is left, and the next one has a connection of its own
    assert outcome == Outcome(Result.FAILED, "no answer within 0.3 s")
    assert took < 2
    receiver.answer = answering(204)
    assert webhook.deliver(MESSAGE) == DELIVERED
    end.set()


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"HTTP/1.1 2", b"0"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    ],
    ids=["status", "header", "continue", "chunk", "last chunk"],
)
def test_a_receiver_that_answers_bit_by_bit_is_cut_off(receiver: Receiver, begin: bytes, drop: bytes) -> None:
    # Given a receiver that never lets a wait take long, and never comes to an end
    receiver.answer = dripping(begin, drop)
    with Webhook(receiver.url, SECRET, timeout=0.3, total=0.6) as webhook:
        # When
        began = time.monotonic()
        outcome = webhook.deliver(MESSAGE)
        took = time.monotonic() - began
        # Then
        assert outcome == Outcome(Result.FAILED, "not done within 0.6 s")
        assert 0.6 <= took < 2
        # And the next one has a connection of its own
        receiver.answer = answering(204)
        assert webhook.deliver(MESSAGE) == DELIVERED
    assert receiver.requests[0].client != receiver.requests[1].client


def test_a_receiver_that_answers_bit_by_bit_under_tls_is_cut_off(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    serve_tls(receiver, tmp_path, monkeypatch)
    receiver.answer = dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x")
    with Webhook(receiver.url.replace("http:", "https:"), SECRET, timeout=0.3, total=0.6) as webhook:
        # When
        began = time.monotonic()
        outcome = webhook.deliver(MESSAGE)
        # Then
        assert outcome == Outcome(Result.FAILED, "not done within 0.6 s")
        assert time.monotonic() - began < 2
        # And what is done in time is delivered
        receiver.answer = answering(204)
        assert webhook.deliver(MESSAGE) == DELIVERED


def test_a_handshake_that_never_ends_is_left_after_the_timeout() -> None:
    # Given a server that begins with a long record of TLS, and goes on with it byte by byte
    with socket.create_server(("127.0.0.1", 0)) as server:

        def shake() -> None:
            client, _ = server.accept()
            with client, suppress(OSError):
                client.sendall(b"\x16\x03\x03\x40\x00")
                for _ in range(100):
                    client.sendall(b"\x02")
                    time.sleep(0.05)

        thread = threading.Thread(target=shake)
        thread.start()
        # When
        began = time.monotonic()
        with Webhook(f"https://127.0.0.1:{server.getsockname()[1]}/", SECRET, timeout=0.3, total=0.6) as webhook:
            outcome = webhook.deliver(MESSAGE)
        took = time.monotonic() - began
        thread.join()
    # Then
    assert outcome.result is Result.FAILED
    assert took < 2


def test_a_body_that_never_ends_is_not_waited_for(webhook: Webhook, receiver: Receiver) -> None:
    # Given a receiver that says yes, and then goes on talking
    end = threading.Event()

    def talk(handler: _Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.wfile.write(b"x" * 100)
        handler.wfile.flush()
        end.wait(10)

    receiver.answer = talk
    # When, then
    began = time.monotonic()
    assert webhook.deliver(MESSAGE) == DELIVERED
    assert time.monotonic() - began < 2
    end.set()


def test_a_refused_connection_fails() -> None:
    with Webhook(f"http://127.0.0.1:{free_port()}/", SECRET, timeout=0.3) as webhook:
        assert webhook.deliver(MESSAGE) == Outcome(Result.FAILED, "no connection")


def test_an_answer_that_is_no_http_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def babble() -> None:
            client, _ = server.accept()
            client.recv(65536)
            client.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")
            client.close()

        thread = threading.Thread(target=babble)
        thread.start()
        with Webhook(f"http://127.0.0.1:{server.getsockname()[1]}/", SECRET, timeout=0.3) as webhook:
            outcome = webhook.deliver(MESSAGE)
        thread.join()

    assert outcome.result is Result.FAILED
    assert outcome.error


@pytest.mark.django_db
def test_an_event_whose_receiver_drips_has_failed_and_the_next_run_tells_the_others(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given three events, and a receiver that answers the first one bit by bit
    monkeypatch.setattr(courier, "configured_backend", lambda: Webhook(receiver.url, SECRET, timeout=0.3, total=0.6))
    events = OfferEventFactory.create_batch(3)
    receiver.answer = dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x")
    # When the job has time for one
    began = time.monotonic()
    stats = deliver_offer_events(WorkBudget(0.5, 0, 0.0))
    # Then it has failed in time
    assert (stats["failed"], stats["delivered"], stats["waiting"]) == (1, 0, 3)
    assert time.monotonic() - began < 3
    assert set(OfferEvent.objects.values_list("error", "attempts")) == {("not done within 0.6 s", 1), ("", 0)}
    # And the next run tells the others
    receiver.answer = answering(204)
    assert deliver_offer_events()["delivered"] == 2
    assert OfferEvent.objects.get(delivered_at=None).pk in {event.pk for event in events}


@pytest.mark.django_db
def test_the_timestamp_is_that_of_the_attempt_by_the_databases_clock(receiver: Receiver, settings: Any) -> None:
    # Given a database whose clock is not that of this process
    settings.OFFER_EVENTS_BACKEND = "webhook"
    settings.OFFER_WEBHOOK_URL, settings.OFFER_WEBHOOK_SECRET = receiver.url, SECRET
    with database_clock() as clock:
        clock.set(datetime.fromisoformat("2001-02-03T04:05:06+00:00"))
        OfferEventFactory(due_at=database_now())
        receiver.answer = answering(500)
        # When it is told twice, with an hour between
        deliver_offer_events()
        clock.advance(timedelta(hours=1))
        deliver_offer_events()
    # Then
    first, second = (int(request.headers["webhook-timestamp"]) for request in receiver.requests)
    assert (first, second - first) == (981173106, 3600)


@pytest.mark.django_db
def test_the_job_posts_what_is_due_and_keeps_the_secret_to_itself(
    receiver: Receiver, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a receiver that fails with the second of two
    settings.OFFER_EVENTS_BACKEND = "webhook"
    settings.OFFER_WEBHOOK_URL = f"{receiver.url}?token=hunter2"
    settings.OFFER_WEBHOOK_SECRET = SECRET
    events = OfferEventFactory.create_batch(2)
    receiver.answer = lambda handler: answering(204 if len(receiver.requests) == 1 else 500)(handler)
    # When
    with caplog.at_level(logging.DEBUG):
        stats = deliver_offer_events()
    # Then
    assert (stats["delivered"], stats["failed"]) == (1, 1)
    told = {json.loads(request.body)["data"]["event_id"] for request in receiver.requests}
    assert told == {event.pk for event in events}
    assert sorted(OfferEvent.objects.values_list("error", flat=True)) == ["", "answered 500"]
    logged = " ".join(record.getMessage() for record in caplog.records)
    assert SECRET not in logged
    assert base64.b64encode(KEY).decode() not in logged
    # And of the address nothing but the server is logged, for the rest may hold a token
    assert "hunter2" not in logged


def test_an_answer_that_is_odd_does_not_have_the_address_logged(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answer = lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n")

    with caplog.at_level(logging.DEBUG), Webhook(f"{receiver.url}?token=hunter2", SECRET, timeout=0.3) as webhook:
        webhook.deliver(MESSAGE)

    assert "hunter2" not in caplog.text
