"""Deliveries by e-mail: one message to the buyer and one to the seller, where they have an address."""

from __future__ import annotations

from email.utils import parseaddr
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from types import TracebackType

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email

from offers.delivery.base import DELIVERED, Message, Outcome, Result
from offers.delivery.letters import Letter, letters

# From here on SMTP's codes are final.
_PERMANENT = 500


class Email:
    """A backend that writes e-mail through Django's mail settings, over one connection."""

    def __init__(self, sender: str) -> None:
        self._sender = sender
        self._domain = parseaddr(sender)[1].rpartition("@")[2]
        self._server = get_connection()

    def __enter__(self) -> Email:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    def deliver(self, message: Message) -> Outcome:
        """Write to both parties. If only one letter failed for now, both are written again, under the same ids."""
        outcomes = [self._send(message, letter) for letter in letters(message) if is_address(letter.to.email)]
        for result in (Result.FAILED, Result.REFUSED):
            for outcome in outcomes:
                if outcome.result is result:
                    return outcome
        return DELIVERED if outcomes else Outcome(Result.POINTLESS, "no address")

    def _send(self, message: Message, letter: Letter) -> Outcome:
        headers = {"Message-ID": f"<{message.id}-{letter.role}@{self._domain}>", "Auto-Submitted": "auto-generated"}
        mail = EmailMessage(
            letter.subject, letter.body, self._sender, [letter.to.email], headers=headers, connection=self._server
        )
        try:
            # Opens a connection if there is none, and leaves it open then.
            self._server.open()
            mail.send()
        except (OSError, SMTPException) as error:
            self._hang_up()
            return Outcome(Result.REFUSED if _is_final(error) else Result.FAILED, f"{letter.role}: {_words(error)}")
        return DELIVERED

    def _hang_up(self) -> None:
        # What a broken connection would say to the next message is worth nothing.
        self._server.close()
        self._server = get_connection()


def is_address(text: str) -> bool:
    """Return whether a text is one address, and can be nothing else."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _is_final(error: Exception) -> bool:
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= _PERMANENT for code, _ in error.recipients.values())
    return False


def _words(error: Exception) -> str:
    if isinstance(error, SMTPRecipientsRefused):
        return ", ".join(f"{code}" for code, _ in error.recipients.values())
    if isinstance(error, SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return type(error).__name__
