"""Refusals: requests that the rules of the marketplace do not allow, each with a stable code.

They are plain exceptions, so that services, jobs and the admin need no web framework. `marketplace.api.errors` turns
them into HTTP answers.
"""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """A request that is not carried out; raise one of the three kinds below.

    `code` is for programs and never changes, `detail` is a sentence for people, `extra` holds further members of the
    answer by name.
    """

    code: str
    detail: str

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        self.detail = detail or self.detail
        self.extra = extra
        super().__init__(self.detail)


class InvalidInput(Refusal):
    """A value that breaks a rule; `field` is its name in the request, `detail` says what is wrong with it."""

    code = "invalid_input"

    def __init__(self, field: str, detail: str) -> None:
        self.field = field
        super().__init__(detail)


class Forbidden(Refusal):
    """The user may not do this with this object."""


class Conflict(Refusal):
    """The request is valid, but the present state does not allow it."""


class NotTheSeller(Forbidden):
    """An action that only the seller of a product may take, on the product or on an offer for it."""

    code = "not_the_seller"
    detail = "Only the seller of a product can change or withdraw it."


class ProductSold(Conflict):
    """A change of a product that is sold."""

    code = "product_sold"
    detail = "The product is sold and cannot be changed any more."
