"""`manage.py rebuild_offer_deadlines`: rebuilds the index of offers' deadlines from the table."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from caching import HelpfulCommand, Progress
from caching.deadlines import rebuild
from caching.redis import REDIS_ERRORS
from offers.deadlines import active_offers, offer_deadlines
from offers.models import Offer, OfferStatus


class Command(HelpfulCommand):
    """Rebuilds the index, and prints how many deadlines were missing or wrong."""

    help = "Rebuild the Redis index of offers' deadlines from the table."
    epilog = """
examples:
  manage.py rebuild_offer_deadlines

Run it after Redis was emptied or restored, if you do not want to wait for process_expired_offers: its runs repair
the index too, some hundred thousand deadlines each. Users notice nothing meanwhile, since offers end by the table.
Offers may be made, extended and closed while this runs, and it can be run again at any time.
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-progress", action="store_true", help="Show no progress.")

    def handle(self, *args: Any, **options: Any) -> None:
        total = Offer.objects.filter(status=OfferStatus.ACTIVE).count()
        with Progress("deadlines", quiet=options["no_progress"]) as progress:
            try:
                done = rebuild(offer_deadlines, active_offers, lambda rows: progress.advance(rows, total))
            except REDIS_ERRORS as error:
                raise CommandError(f"Redis is away: {error}. Run this again when it answers.") from error
        changes = f"{done.entered:,} entered, {done.moved:,} moved, {done.removed:,} removed"
        self.stdout.write(f"{progress.done:,} deadlines in the table: {changes}.")
