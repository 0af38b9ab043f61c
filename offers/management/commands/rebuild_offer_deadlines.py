"""`manage.py rebuild_offer_deadlines`: rebuilds the index of offers' deadlines from the table."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from caching.deadlines import rebuild
from caching.redis import REDIS_ERRORS
from offers.deadlines import active_offers, offer_deadlines
from offers.models import Offer, OfferStatus
from products.progress import Progress

_NOTES = """
When: after Redis was emptied or restored, if you do not want to wait for process_expired_offers, which also repairs
the index, some hundred thousand deadlines a run. Users notice nothing meanwhile: the table decides when an offer ends.
Offers can be made, extended and closed while this runs. It can be run again at any time.
"""


class Command(BaseCommand):
    """Rebuilds the index, and prints how many deadlines were missing or wrong."""

    help = "Rebuild the Redis index of offers' deadlines from the table."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs["formatter_class"] = argparse.RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, epilog=_NOTES, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-progress", action="store_true", help="Show no progress.")

    def handle(self, *args: Any, **options: Any) -> None:
        total = Offer.objects.filter(status=OfferStatus.ACTIVE).count()
        seen = 0
        with Progress("deadlines", quiet=options["no_progress"]) as progress:

            def advance(rows: int) -> None:
                nonlocal seen
                seen += rows
                progress.update(seen, max(seen, total), f"{seen:,} looked at")

            try:
                done = rebuild(offer_deadlines, active_offers, advance)
            except REDIS_ERRORS as error:
                raise CommandError(f"Redis is away: {error}. Run this again when it answers.") from error
        changes = f"{done.entered:,} entered, {done.moved:,} moved, {done.removed:,} removed"
        self.stdout.write(f"{seen:,} deadlines in the table: {changes}.")
