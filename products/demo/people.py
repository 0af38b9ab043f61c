"""The demo users: three with a login that is printed, and some more who sell and buy."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib.auth import get_user_model


class Person(NamedTuple):
    """A demo user; without a password there is no way to log in."""

    username: str
    display_name: str
    password: str = ""
    superuser: bool = False


ADMIN = Person("admin", "Administrator", "admin", superuser=True)
SELLER = Person("seller", "Sasha Seller", "seller-demo")
BUYER = Person("buyer", "Bo Buyer", "buyer-demo")
MORE_SELLERS = (
    Person("attic-finds", "Attic Finds"),
    Person("green-door", "The Green Door"),
    Person("harbour-books", "Harbour Books"),
    Person("old-mill", "Old Mill Workshop"),
    Person("second-wind", "Second Wind Sports"),
)
MORE_BUYERS = (Person("kim", "Kim"), Person("noor", "Noor"), Person("robin", "Robin"))


def ensure(person: Person, *, with_login: bool) -> Any:
    """Return the user of that name, created if there is none; an existing one is not changed."""
    users: Any = get_user_model().objects
    existing = users.filter(username__iexact=person.username).first()
    if existing is not None:
        return existing
    return users.create_user(
        person.username,
        password=person.password if with_login and person.password else None,
        display_name=person.display_name,
        is_staff=person.superuser,
        is_superuser=person.superuser,
    )
