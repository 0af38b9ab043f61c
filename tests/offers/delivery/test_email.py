"""The e-mail backend against a real mail server: texts, ids, header injection, failures and timeouts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from offers.clock import database_now
from offers.delivery import outbox
from offers.delivery.base import DELIVERED, Message, Outcome, Party, Result
from offers.delivery.courier import deliver_offer_events
from offers.delivery.email import Email
from offers.delivery.letters import letters
from offers.models import OfferEvent
from tests.database_clock import database_clock
from tests.deploy.services import free_port
from tests.factories import OfferEventFactory, OfferFactory, ProductFactory, UserFactory
from tests.offers.delivery.smtp_server import Mail, MailServer, mail_server
from tests.offers.delivery.tls_certificate import serve_tls

SENDER = "Marketplace <offers@market.example.com>"
MESSAGE = Message(
    id="offer-7-reminder-1583298367000089",
    event=11,
    kind="reminder",
    at="2020-03-04T04:06:07.000089Z",
    offer=7,
    status="active",
    expires_at="2020-03-04T05:06:07.000089Z",
    amount="12.50",
    currency="EUR",
    product=3,
    title="Lamp",
    buyer=Party(1, "Bea", "bea@example.com"),
    seller=Party(2, "Sam", "sam@example.com"),
    claimed_at="2020-03-04T04:06:08Z",
)


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server() as server:
        settings.EMAIL_BACKEND = "offers.delivery.smtp.Smtp"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def email(server: MailServer) -> Iterator[Email]:
    with Email(SENDER) as email:
        yield email


def text(mail: Mail) -> str:
    return mail.message.get_content().replace("\r\n", "\n")


def test_a_reminder_says_what_ends_when_and_what_each_party_can_do(email: Email, server: MailServer) -> None:
    assert email.deliver(MESSAGE) == DELIVERED

    buyer, seller = server.mails
    assert (buyer.sender, buyer.recipients) == ("offers@market.example.com", ["bea@example.com"])
    assert (buyer.message["From"], buyer.message["To"]) == (SENDER, "bea@example.com")
    assert buyer.message["Subject"] == "Your offer on “Lamp” ends soon"
    assert buyer.message.get_content_type() == "text/plain"
    assert text(buyer) == (
        "Hello Bea,\n\nYour offer of 12.50 EUR on “Lamp” ends on 4 March 2020 at 05:06 UTC.\n"
        "Until then you can extend or withdraw it.\n"
    )
    assert seller.recipients == ["sam@example.com"]
    assert seller.message["Subject"] == "The offer on your “Lamp” ends soon"
    assert text(seller) == (
        "Hello Sam,\n\nThe offer of 12.50 EUR by Bea on “Lamp” ends on 4 March 2020 at 05:06 UTC.\n"
        "Until then you can accept or decline it.\n"
    )


def test_an_expiry_has_a_text_of_its_own(email: Email, server: MailServer) -> None:
    email.deliver(replace(MESSAGE, kind="expired", status="expired"))

    buyer, seller = server.mails
    assert buyer.message["Subject"] == "Your offer on “Lamp” has expired"
    assert "Your offer of 12.50 EUR on “Lamp” ended on 4 March 2020 at 05:06 UTC." in text(buyer)
    assert "by Bea on “Lamp” ended on" in text(seller)


def test_an_id_is_the_same_at_each_attempt_and_another_for_each_party(email: Email, server: MailServer) -> None:
    email.deliver(MESSAGE)
    email.deliver(MESSAGE)

    assert [mail.message["Message-ID"] for mail in server.mails] == [
        "<offer-7-reminder-1583298367000089-buyer@market.example.com>",
        "<offer-7-reminder-1583298367000089-seller@market.example.com>",
    ] * 2


@pytest.mark.parametrize("line", ["\n", "\r\n", "\r", "\v", "\x85", "\u2028", "\0"])
def test_no_title_or_name_can_inject_a_header(email: Email, server: MailServer, line: str) -> None:
    evil = f"Lamp{line}Bcc: eve@example.com{line}{line}Buy here"
    message = replace(MESSAGE, title=evil, buyer=Party(1, evil, "bea@example.com"))

    assert email.deliver(message) == DELIVERED

    for mail in server.mails:
        assert "Bcc" not in mail.message
        assert "eve@example.com" not in mail.recipients
        assert "“Lamp Bcc: eve@example.com Buy here”" in mail.message["Subject"]


@pytest.mark.parametrize(
    "address", ["", "bea", "a@example.com\nBcc: eve@example.com", "a@example.com, eve@example.com", "<a@example.com>"]
)
def test_an_invalid_address_gets_no_mail(email: Email, server: MailServer, address: str) -> None:
    assert email.deliver(replace(MESSAGE, buyer=Party(1, "Bea", address))) == DELIVERED

    assert [mail.recipients for mail in server.mails] == [["sam@example.com"]]


def test_without_any_address_there_is_no_recipient(email: Email, server: MailServer) -> None:
    nobody = replace(MESSAGE, buyer=Party(1, "Bea", ""), seller=Party(2, "Sam", ""))

    assert email.deliver(nobody) == Outcome(Result.NO_RECIPIENT, "no address")
    assert server.connections == 0


@pytest.mark.parametrize(
    ("answer", "result", "error"),
    [(b"451 later", Result.FAILED, "seller: 451"), (b"550 unknown", Result.REFUSED, "seller: 550")],
)
def test_a_refused_recipient_is_retried_only_after_a_temporary_code(
    email: Email, server: MailServer, answer: bytes, result: Result, error: str
) -> None:
    server.refused = {"sam@example.com": answer}

    assert email.deliver(MESSAGE) == Outcome(result, error, notified="buyer")
    assert [mail.recipients for mail in server.mails] == [["bea@example.com"]]
    # And the next message is not affected
    server.refused = {}
    assert email.deliver(MESSAGE) == DELIVERED


@pytest.mark.parametrize(("notified", "written"), [("buyer", "sam@example.com"), ("seller", "bea@example.com")])
def test_a_party_that_was_notified_gets_no_second_mail(
    email: Email, server: MailServer, notified: str, written: str
) -> None:
    message = replace(MESSAGE, notified=notified)

    assert email.deliver(message) == DELIVERED
    assert [mail.recipients for mail in server.mails] == [[written]]
    # And after another failure the party is still known
    server.refused = {written: b"451 later"}
    assert email.deliver(message).notified == notified
    # And if the other party has no address any more, the event is delivered
    nobody = {"seller" if notified == "buyer" else "buyer": Party(3, "Eve", "")}
    assert email.deliver(replace(message, **nobody)) == DELIVERED
    assert len(server.mails) == 1


def test_a_bug_in_one_letter_does_not_send_the_other_again(
    email: Email, server: MailServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Given letters, the second of which is invalid
    first, second = letters(MESSAGE)
    monkeypatch.setattr("offers.delivery.email.letters", lambda _: [first, second._replace(subject="a\nb")])
    # When, then
    assert email.deliver(MESSAGE) == Outcome(Result.FAILED, "seller: BadHeaderError", notified="buyer")
    assert "event 11 could not be written to the seller" in caplog.text


@pytest.mark.parametrize("word", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_server_that_answers_bit_by_bit_is_cut_off(server: MailServer, word: str) -> None:
    # Given a server whose answer never ends, with short pauses between its bytes
    server.drips_at = word
    with Email(SENDER, total=0.6) as email:
        # When
        began = time.monotonic()
        outcome = email.deliver(MESSAGE)
        took = time.monotonic() - began
        # Then
        assert outcome == Outcome(Result.FAILED, "buyer: not done within 0.6 s")
        assert 0.6 <= took < 2
        # And the next message is not affected
        server.drips_at = ""
        assert email.deliver(MESSAGE) == DELIVERED


@pytest.mark.parametrize("word", ["greeting", "RCPT"])
def test_a_server_that_answers_bit_by_bit_under_tls_is_cut_off(
    server: MailServer, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    # Given
    settings.EMAIL_USE_SSL = True
    serve_tls(server, tmp_path, monkeypatch)
    server.drips_at = word
    with Email(SENDER, total=0.6) as email:
        # When, then
        assert email.deliver(MESSAGE) == Outcome(Result.FAILED, "buyer: not done within 0.6 s")
        # And a conversation in time is delivered
        server.drips_at = ""
        assert email.deliver(MESSAGE) == DELIVERED


def test_a_party_notified_before_the_timeout_is_known(server: MailServer) -> None:
    server.drips_at = "sam@example.com"

    with Email(SENDER, total=0.6) as email:
        assert email.deliver(MESSAGE) == Outcome(Result.FAILED, "seller: not done within 0.6 s", notified="buyer")


def test_a_server_that_answers_quit_bit_by_bit_is_cut_off(server: MailServer) -> None:
    server.drips_at = "QUIT"

    with Email(SENDER, quit_timeout=0.3) as email:
        assert email.deliver(MESSAGE) == DELIVERED
        began = time.monotonic()

    assert time.monotonic() - began < 1.5


def test_an_unreachable_server_is_a_failure(settings: Any) -> None:
    settings.EMAIL_BACKEND = "offers.delivery.smtp.Smtp"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()

    with Email(SENDER) as email:
        assert email.deliver(MESSAGE) == Outcome(Result.FAILED, "buyer: ConnectionRefusedError")


@pytest.mark.django_db
def test_the_job_sends_over_one_connection(server: MailServer, settings: Any) -> None:
    # Given three reminders
    settings.OFFER_EVENTS_BACKEND, settings.OFFER_EMAIL_FROM = "email", SENDER
    product = ProductFactory(seller=UserFactory(email="sam@example.com"), title="Lamp\nBcc: eve@example.com")
    for number in range(3):
        offer = OfferFactory(product=product, buyer=UserFactory(email=f"bea{number}@example.com"))
        OfferEventFactory(offer=offer, kind="reminder", due_at=database_now())
    # When
    assert deliver_offer_events()["delivered"] == 3
    # Then
    assert server.connections == 1
    assert len({mail.message["Message-ID"] for mail in server.mails}) == len(server.mails) == 6
    assert not OfferEvent.objects.filter(delivered_at=None).exists()


@pytest.mark.django_db
def test_a_failed_letter_is_sent_again_and_the_other_party_gets_one(server: MailServer, settings: Any) -> None:
    # Given an event, and a seller whose mail is refused temporarily
    settings.OFFER_EVENTS_BACKEND, settings.OFFER_EMAIL_FROM, settings.OFFER_EVENT_ATTEMPTS = "email", SENDER, 5
    product = ProductFactory(seller=UserFactory(email="sam@example.com"))
    offer = OfferFactory(product=product, buyer=UserFactory(email="bea@example.com"))
    server.refused = {"sam@example.com": b"451 later"}
    with database_clock() as clock:
        event = OfferEventFactory(offer=offer, due_at=database_now())
        # When it is retried until it is given up
        for _ in range(5):
            deliver_offer_events()
            clock.advance(timedelta(hours=2))
        event.refresh_from_db()
        assert (event.attempts, event.due_at, event.error) == (5, None, "seller: 451")
        # And requeued once the server accepts them
        server.refused = {}
        outbox.requeue([event.pk])
        assert deliver_offer_events()["delivered"] == 1
    # Then each party got one letter
    assert [mail.recipients for mail in server.mails] == [["bea@example.com"], ["sam@example.com"]]
