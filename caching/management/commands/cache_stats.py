"""`manage.py cache_stats`: what Redis holds, its memory and its hit rate."""

from __future__ import annotations

from typing import Any

import orjson
from django.core.management.base import CommandError, CommandParser

from caching.management.base import HelpfulCommand
from caching.redis.errors import REDIS_ERRORS
from caching.upkeep import inventory
from caching.upkeep.stats import redis_stats


class Command(HelpfulCommand):
    """Prints `stats.redis_stats` and `inventory.take`."""

    help = "Show what Redis holds: memory, hit rate, and the entries of each namespace."
    epilog = """
examples:
  manage.py cache_stats                               Redis, and the entries of each namespace
  manage.py cache_stats --json                        the same for a program
  manage.py cache_stats --budget 30 --keys 5000000    count a large cache to its end

Sizes are estimated from 300 entries of each namespace. Hit rates by namespace are at /metrics of the web server.
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print JSON.")
        parser.add_argument(
            "--budget", type=float, default=5.0, metavar="SECONDS", help="Stop counting after this time (default 5)."
        )
        parser.add_argument(
            "--keys", type=int, default=500_000, metavar="N", help="Stop counting after N entries (default 500000)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["budget"] <= 0 or options["keys"] < 1:
            raise CommandError("--budget and --keys must be greater than 0.")
        try:
            stats = redis_stats()
            found = inventory.take(options["budget"], options["keys"])
        except REDIS_ERRORS as error:
            raise CommandError(f"Redis does not answer: {error}") from error
        if options["json"]:
            self.stdout.write(orjson.dumps(stats | found.as_dict(), option=orjson.OPT_INDENT_2).decode())
            return
        self._write_stats(stats)
        self._write_lines(found)

    def _write_stats(self, stats: dict[str, Any], role: str = "") -> None:
        for name, value in stats.items():
            if isinstance(value, dict):
                self._write_stats(value, f"{name} ")
            else:
                self.stdout.write(f"{role + name:24} {'-' if value is None else value}")

    def _write_lines(self, found: inventory.Inventory) -> None:
        self.stdout.write(f"\n{'namespace':24} {'entries':>10} {'bytes each':>10} {'MB':>10} {'TTL left, s':>12}")
        for line in found.lines:
            numbers = f"{line.entries:>10} {line.bytes_each:>10} {line.megabytes:>10} {line.ttl_seconds:>12}"
            self.stdout.write(f"{line.namespace:24} {numbers}")
        if not found.complete:
            self.stdout.write("The budget ended the count: there are more. Raise --budget or --keys.")
