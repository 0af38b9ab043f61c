"""`manage.py seed_demo`: a demo catalogue with users, views and offers. It is here because offers is the upper app."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from caching import HelpfulCommand, Progress
from offers.demo import seed_offers
from products.demo import people
from products.demo.seeding import hold_lock, seed, seeded_products

OFFERS = 200
MOST_PRODUCTS = 1_000_000


class Command(HelpfulCommand):
    """Prints what was seeded and the logins, or that there is a demo catalogue already."""

    help = "Fill an empty marketplace with a made-up catalogue, sellers, buyers, view counts and offers, once."
    epilog = """
examples:
  manage.py seed_demo
  manage.py seed_demo --products 500

It runs in one transaction and does nothing if there are demo products already, so it can be repeated.
Logins: admin/admin (superuser), seller/seller-demo, buyer/buyer-demo; an existing user of that name keeps
their password. In production it refuses. With --force it seeds there, but no demo user can log in.
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--products", type=int, default=10_000, metavar="N", help="How many products (default 10000)."
        )
        parser.add_argument("--force", action="store_true", help="Seed a production site too, without logins.")
        parser.add_argument("--quiet", action="store_true", help="Show no progress.")

    def handle(self, *, products: int, force: bool, quiet: bool, **_: Any) -> None:
        if not 1 <= products <= MOST_PRODUCTS:
            raise CommandError(f"--products must be from 1 to {MOST_PRODUCTS:,}")
        if settings.IS_PRODUCTION and not force:
            raise CommandError("this is production: demo data does not belong here (--force to seed it anyway)")
        started = time.monotonic()
        with transaction.atomic():
            hold_lock()
            if existing := seeded_products():
                self.stdout.write(f"There are {existing:,} demo products already; nothing to do.")
                return
            offers = self._seed(products, quiet=quiet)
        seconds = time.monotonic() - started
        self.stdout.write(self.style.SUCCESS(f"{products:,} demo products, {offers} offers in {seconds:.1f} s"))
        if not settings.IS_PRODUCTION:
            logins = (people.ADMIN, people.SELLER, people.BUYER)
            self.stdout.write("logins: " + ", ".join(f"{who.username}/{who.password}" for who in logins))

    def _seed(self, count: int, *, quiet: bool) -> int:
        now = timezone.now()
        with Progress("seeding the demo catalogue", quiet=quiet) as progress:
            demo = seed(
                count,
                now,
                with_logins=not settings.IS_PRODUCTION,
                on_progress=lambda done: progress.update(done, count, f"{done:,} products"),
            )
            return seed_offers(demo, OFFERS, now)
