"""The texts of the e-mails to the two parties of an offer."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from offers.delivery.base import Message, Party
from offers.formatting import long_moment


class Letter(NamedTuple):
    """A plain-text e-mail to one party; `role` is buyer or seller."""

    role: str
    to: Party
    subject: str
    body: str


def letters(message: Message) -> list[Letter]:
    """Return the e-mails about an event, the buyer's and the seller's."""
    title = one_line(message.title)
    price = f"{message.amount} {message.currency}"
    is_reminder = message.kind == "reminder"
    verb, soon = ("ends", "ends soon") if is_reminder else ("ended", "has expired")
    when = long_moment(datetime.fromisoformat(message.expires_at))
    yours, theirs = f"Your offer on “{title}”", f"The offer on your “{title}”"
    return [
        Letter(
            "buyer",
            message.buyer,
            f"{yours} {soon}",
            _body(
                message.buyer,
                f"Your offer of {price} on “{title}” {verb} on {when}.",
                "Until then you can extend or withdraw it." if is_reminder else "You can make a new one.",
            ),
        ),
        Letter(
            "seller",
            message.seller,
            f"{theirs} {soon}",
            _body(
                message.seller,
                f"The offer of {price} by {one_line(message.buyer.name)} on “{title}” {verb} on {when}.",
                "Until then you can accept or decline it." if is_reminder else "You need not do anything.",
            ),
        ),
    ]


def one_line(text: str) -> str:
    """Return a text without line breaks and other control characters, so that it cannot inject a header."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _body(to: Party, fact: str, advice: str) -> str:
    return f"Hello {one_line(to.name)},\n\n{fact}\n{advice}\n"
