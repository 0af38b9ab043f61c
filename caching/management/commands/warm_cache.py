"""Fills the cache ahead of traffic."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from caching.readthrough import warming

_EXAMPLES = """
examples:
  manage.py warm_cache                          everything, within 30 seconds
  manage.py warm_cache popular --limit 50000    the most viewed products
  manage.py warm_cache feeds users --budget 5   two names, five seconds in all

Warming reads like a visitor: what is there already is skipped, what is missing is loaded in chunks of 100,
one query each. It may run beside traffic, and again at any time.
"""


class Command(BaseCommand):
    """Reports what was there, what was filled, and whether the budget ended it."""

    help = "Fill the cache ahead of traffic: popular products, feeds and users."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs["formatter_class"] = argparse.RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, epilog=_EXAMPLES, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        known = ", ".join(warming.names())
        parser.add_argument("names", nargs="*", metavar="NAME", help=f"What to warm: {known}. Default: all.")
        parser.add_argument("--limit", type=int, default=5000, help="At most this many ids a name (default 5000).")
        parser.add_argument("--budget", type=float, default=30.0, help="Seconds in all (default 30).")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["names"] or warming.names()
        unknown = sorted(set(wanted) - set(warming.names()))
        if unknown:
            raise CommandError(f"Nothing to warm is named {', '.join(unknown)}. Known: {', '.join(warming.names())}.")
        if options["limit"] < 1 or options["budget"] <= 0:
            raise CommandError("--limit and --budget must be greater than 0.")
        for done in self._warm(wanted, options["limit"], options["budget"]):
            line = f"{done.name}: {done.filled} filled, {done.already} there already"
            line += f", {done.missing} do not exist" if done.missing else ""
            self.stdout.write(line + (" - the budget ended it" if done.out_of_time else ""))

    def _warm(self, wanted: list[str], limit: int, budget: float) -> list[warming.Warmed]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            bars = {name: progress.add_task(name, total=None) for name in wanted}
            return warming.warm_cache(wanted, limit, budget, lambda name, count: progress.advance(bars[name], count))
