"""Makes every entry of a namespace a miss."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from caching.errors import StoreUnavailable
from caching.models import Invalidation
from caching.readthrough.invalidation import clear
from caching.readthrough.resource import registry

_EXAMPLES = """
examples:
  manage.py clear_cache product          every product is loaded again when it is next asked for
  manage.py clear_cache product feed     two namespaces
  manage.py clear_cache --list           what there is to clear

Clearing takes the same moment however many entries there are: the entries stay where they are and no read
takes them any more, until their TTL or the next cleanup_old_cache removes them. Queues, counters, deadlines,
throttles and all other namespaces are left alone.
"""


class Command(BaseCommand):
    """Says what it cleared, and what becomes of it while Redis is away."""

    help = "Make every entry of a namespace a miss, at once."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs["formatter_class"] = argparse.RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, epilog=_EXAMPLES, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("namespaces", nargs="*", metavar="NAMESPACE", help="What to clear; --list names them.")
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
        except (StoreUnavailable, DatabaseError, InterfaceError) as error:
            raise CommandError(f"{namespace} was not cleared, its old values may still be served: {error}") from error
        if kept:
            return "cleared; Redis is away, and no process reads from it again before it has heard of this"
        return "cleared"
