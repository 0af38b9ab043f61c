"""Delivery by e-mail: one message to the buyer and one to the seller, if they have an address."""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from email.utils import parseaddr
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from types import TracebackType

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email

from offers.delivery.base import DELIVERED, Message, Outcome, Result
from offers.delivery.letters import Letter, letters
from offers.delivery.smtp import Smtp
from offers.delivery.total_timeout import TOTAL, TotalTimeout

logger = logging.getLogger(__name__)

# SMTP reply codes from here on are permanent.
_PERMANENT = 500
# Seconds for SMTP's QUIT, whose answer does not matter.
_QUIT_TIMEOUT = 5.0


class Email:
    """A backend that sends e-mail by Django's mail settings, over one connection."""

    def __init__(self, sender: str, total: float = TOTAL, quit_timeout: float = _QUIT_TIMEOUT) -> None:
        self._sender = sender
        self._total = total
        self._quit_timeout = quit_timeout
        self._domain = parseaddr(sender)[1].rpartition("@")[2]
        self._server = get_connection()

    def __enter__(self) -> Email:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with TotalTimeout(self._quit_timeout, self._socket):
            self._quit()

    def deliver(self, message: Message) -> Outcome:
        """Send to the parties that were not notified before. A failure says which party was notified."""
        with TotalTimeout(self._total, self._socket) as timeout:
            outcomes = {letter.role: self._send(message, letter, timeout) for letter in _letters_due(message)}
        if timeout.timed_out:
            with TotalTimeout(self._quit_timeout, self._socket):
                self._replace_connection()
        notified = next((role for role, outcome in outcomes.items() if outcome is DELIVERED), message.notified)
        for result in (Result.FAILED, Result.REFUSED):
            for outcome in outcomes.values():
                if outcome.result is result:
                    return outcome._replace(notified=notified)
        return DELIVERED if notified else Outcome(Result.NO_RECIPIENT, "no address")

    def _send(self, message: Message, letter: Letter, timeout: TotalTimeout) -> Outcome:
        if timeout.timed_out:
            return Outcome(Result.FAILED, f"{letter.role}: {timeout.reason}")
        headers = {"Message-ID": f"<{message.id}-{letter.role}@{self._domain}>", "Auto-Submitted": "auto-generated"}
        mail = EmailMessage(
            letter.subject, letter.body, self._sender, [letter.to.email], headers=headers, connection=self._server
        )
        try:
            # Opens a connection if there is none. One that was opened this way stays open after `send`.
            self._server.open()
            mail.send()
        except Exception as error:
            if not isinstance(error, OSError | SMTPException):
                # A bug that one letter triggers must not send the other one again at each attempt.
                logger.exception("event %d could not be written to the %s", message.event, letter.role)
            reason = timeout.reason if timeout.timed_out else _describe(error)
            self._replace_connection()
            return Outcome(Result.REFUSED if _is_final(error) else Result.FAILED, f"{letter.role}: {reason}")
        return DELIVERED

    def _socket(self) -> socket.socket | None:
        return self._server.sock if isinstance(self._server, Smtp) else None

    def _replace_connection(self) -> None:
        # A broken connection must not serve the next message.
        self._quit()
        self._server = get_connection()

    def _quit(self) -> None:
        # The answer to QUIT does not matter.
        with suppress(OSError, SMTPException):
            self._server.close()


def is_address(text: str) -> bool:
    """Return whether a text is exactly one address."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _letters_due(message: Message) -> list[Letter]:
    return [letter for letter in letters(message) if letter.role != message.notified and is_address(letter.to.email)]


def _is_final(error: Exception) -> bool:
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= _PERMANENT for code, _ in error.recipients.values())
    return False


def _describe(error: Exception) -> str:
    if isinstance(error, SMTPRecipientsRefused):
        return ", ".join(f"{code}" for code, _ in error.recipients.values())
    if isinstance(error, SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return type(error).__name__
