"""`manage.py replay_views`: sends recorded product views to the API or the service."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from caching import HelpfulCommand, Progress
from products.models import Product, ProductStatus
from products.replay.result import Result
from products.replay.run import Replay
from products.replay.targets import HttpTarget, ServiceTarget, Target
from products.replay.trace import Extent, TraceError, measure, read_trace


class Command(HelpfulCommand):
    """Prints how many views were answered, at what rate and latency, and the cache's hit rate."""

    help = "Replay a recorded trace of product views, against the API over HTTP or the service in this process."
    epilog = """
examples:
  manage.py replay_views views.trace.xz
  manage.py replay_views views.trace.xz --url http://127.0.0.1:9000 --concurrency 16 --json
  manage.py replay_views ids.txt --service --limit 10000

The trace holds dense numbers from 0, as big-endian 32-bit integers or one a line, plain, gzip or xz. Number k
is the k-th available product by id. A request that fails is reported and not retried, since its view may have
been counted. The exit code is 1 unless every view was answered with 200.
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--url", default="http://127.0.0.1:8000", help="The site (default %(default)s).")
        where.add_argument("--service", action="store_true", help="Call increment_view in this process.")
        parser.add_argument("--concurrency", type=int, default=8, metavar="N", help="Threads (default 8).")
        parser.add_argument("--limit", type=int, metavar="N", help="Send the first N views only.")
        parser.add_argument(
            "--wrap",
            action="store_true",
            help="Start over with the first product when the trace names more products than there are.",
        )
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")
        parser.add_argument("--quiet", action="store_true", help="Show no progress.")

    def handle(self, *, file: Path, concurrency: int, limit: int | None, **options: Any) -> None:
        if not 1 <= concurrency <= 256:
            raise CommandError("--concurrency must be from 1 to 256")
        if limit is not None and limit < 1:
            raise CommandError("--limit must be at least 1")
        new_target = _target(options["service"], options["url"])
        try:
            extent = measure(file, limit)
        except TraceError as error:
            raise CommandError(str(error)) from error
        product_ids = _products(extent, wrap=options["wrap"])
        replay = Replay(read_trace(file, limit), product_ids, new_target, concurrency)
        with Progress(f"replaying {file.name}", quiet=options["quiet"]) as progress:
            result = replay.run(
                lambda sent, seconds: progress.update(sent, extent.views, f"{sent / seconds:,.0f} views/s")
            )
        self._print(result, as_json=options["json"])
        if result.ok != extent.views:
            sys.exit(1)

    def _print(self, result: Result, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(result.as_dict()))
            return
        for failure in result.failures:
            self.stdout.write(self.style.WARNING(failure))
        if result.stopped:
            self.stdout.write(self.style.ERROR(f"stopped early: {result.stopped}"))
        rate = "" if result.hit_rate is None else f", hit rate {result.hit_rate:.1%}"
        self.stdout.write(
            f"{result.views:,} views in {result.seconds:.1f} s, {result.per_second:,.0f}/s: "
            f"{result.ok:,} answered 200, {result.other:,} otherwise, {result.errors:,} failed\n"
            f"latency p50 {result.p50_ms:.2f} ms, p99 {result.p99_ms:.2f} ms\n"
            f"cache {result.hits:,} hits, {result.stale:,} stale, {result.misses:,} misses{rate}"
        )


def _target(service: bool, url: str) -> Callable[[], Target]:
    if service:
        return ServiceTarget
    try:
        HttpTarget(url)
    except ValueError as error:
        raise CommandError(str(error)) from error
    return lambda: HttpTarget(url)


def _products(extent: Extent, *, wrap: bool) -> list[int]:
    available = Product.objects.filter(status=ProductStatus.AVAILABLE).order_by("id")
    ids = list(available.values_list("id", flat=True)[: extent.largest + 1])
    if not ids:
        raise CommandError("there are no available products: import or seed some first")
    if len(ids) <= extent.largest and not wrap:
        raise CommandError(
            f"the trace names {extent.largest + 1:,} products and only {len(ids):,} are available: "
            "import more, or let it start over with --wrap"
        )
    return ids
