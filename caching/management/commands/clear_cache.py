"""`manage.py clear_cache`: makes every entry of a namespace a miss."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from caching.errors import DATABASE_ERRORS, StoreUnavailable
from caching.management.base import HelpfulCommand
from caching.models import Invalidation
from caching.readthrough.invalidation import clear
from caching.readthrough.resource import registry


class Command(HelpfulCommand):
    """Prints what it cleared, and whether Redis was away, so that processes replay the clear later."""

    help = "Make every entry of a namespace a miss, at once. Each is loaded again when it is next asked for."
    epilog = """
examples:
  manage.py clear_cache --list           the namespaces and their TTLs
  manage.py clear_cache NAMESPACE ...    one or more of them
  manage.py clear_cache --all            every one

Clearing takes the same time however many entries there are. They stay in Redis, where no read takes them any
more, until their TTL or the next cleanup_old_cache removes them. Queues, counters, deadlines, throttles and the
other namespaces are left alone.
"""

    def add_arguments(self, parser: CommandParser) -> None:
        known = ", ".join(registry.namespaces())
        parser.add_argument("namespaces", nargs="*", metavar="NAMESPACE", help=f"What to clear: {known}.")
        parser.add_argument("--all", action="store_true", help="Clear every namespace.")
        parser.add_argument("--list", action="store_true", help="List the namespaces and clear nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self._list()
            return
        wanted = list(dict.fromkeys(options["namespaces"]))
        unknown = sorted(set(wanted) - set(registry.namespaces()))
        if unknown:
            there_are = ", ".join(registry.namespaces())
            raise CommandError(f"There is no namespace {', '.join(unknown)}. There are: {there_are}.")
        if options["all"] == bool(wanted):
            raise CommandError("Name what to clear, or say --all; --list shows what there is.")
        for namespace in wanted or registry.namespaces():
            self.stdout.write(f"{namespace}: {self._clear(namespace)}")
        self.stdout.write("Queues, counters, deadlines, throttles and other namespaces were left alone.")

    def _list(self) -> None:
        for namespace in registry.namespaces():
            policy = registry.get(namespace).policy
            times = f"fresh for {policy.soft_ttl:g} s, served for {policy.hard_ttl:g} s"
            self.stdout.write(f"{namespace}: {times}, schema {policy.schema}")

    def _clear(self, namespace: str) -> str:
        try:
            clear(namespace)
            kept = Invalidation.objects.filter(namespace=namespace, ids__isnull=True).exists()
        except (StoreUnavailable, *DATABASE_ERRORS) as error:
            raise CommandError(f"{namespace} was not cleared, its old values may still be served: {error}") from error
        if kept:
            return "cleared; Redis is away, and each process replays this before it reads from it again"
        return "cleared"
