"""`manage.py warm_cache`: fills the cache ahead of traffic."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import CommandError, CommandParser

from caching.management.base import HelpfulCommand
from caching.management.progress import Progress
from caching.readthrough import warming


class Command(HelpfulCommand):
    """Prints how many entries were there, how many were filled, and whether the budget ended the warming."""

    help = "Fill the cache ahead of traffic with what the apps registered as worth warming."
    epilog = """
examples:
  manage.py warm_cache                          everything, within 30 seconds
  manage.py warm_cache NAME --limit 50000       more of one name
  manage.py warm_cache NAME NAME --budget 5     two names, five seconds in all

Warming reads as a visitor does: entries that are there are skipped, missing ones are loaded in chunks of 100 ids,
one query each. It may run beside traffic, and again at any time.
"""

    def add_arguments(self, parser: CommandParser) -> None:
        known = ", ".join(warming.names())
        parser.add_argument("names", nargs="*", metavar="NAME", help=f"What to warm: {known}. Default: all.")
        parser.add_argument(
            "--limit", type=int, default=5000, metavar="N", help="At most N ids of each name (default 5000)."
        )
        parser.add_argument(
            "--budget", type=float, default=30.0, metavar="SECONDS", help="Stop after this time in all (default 30)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["names"] or warming.names()
        unknown = sorted(set(wanted) - set(warming.names()))
        if unknown:
            raise CommandError(f"Nothing to warm is named {', '.join(unknown)}. Known: {', '.join(warming.names())}.")
        if not wanted:
            self.stdout.write("Nothing to warm: no resource is declared with warm=.")
        if options["limit"] < 1 or options["budget"] <= 0:
            raise CommandError("--limit and --budget must be greater than 0.")
        for done in self._warm(wanted, options["limit"], options["budget"]):
            line = f"{done.name}: {done.filled} filled, {done.already} there already"
            line += f", {done.missing} do not exist" if done.missing else ""
            self.stdout.write(line + (" - the budget ended it" if done.out_of_time else ""))

    def _warm(self, wanted: list[str], limit: int, budget: float) -> list[warming.Warmed]:
        counts = Counter[str]()
        with Progress("warming") as progress:

            def advance(name: str, ids: int) -> None:
                counts[name] += ids
                progress.advance(ids, None, f"{name} {counts[name]:,}")

            return warming.warm_cache(wanted, limit, budget, advance)
