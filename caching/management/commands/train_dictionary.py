"""`manage.py train_dictionary`: trains the zstd dictionary that a namespace's entries are packed with."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from caching.entries import dictionaries
from caching.entries.training import MIN_SAMPLES, Measured, Trained, train
from caching.errors import CannotTrain, UnknownNamespace
from caching.management.base import HelpfulCommand
from caching.management.progress import Progress
from caching.readthrough.resource import Resource, registry
from caching.readthrough.sampling import sample

_SIZES = (1024, 128 * 1024)
_NEXT = """
Stored as {name}. Every process packs new entries of {namespace} with it within a minute. Those that are cached now
stay readable and are packed anew as they are refreshed; the daily cleanup removes older dictionaries when no entry
can need them any more.
"""


class Command(HelpfulCommand):
    """Prints what a dictionary saves on bodies it was not trained on, and stores it if that is worth it."""

    help = "Train a zstd dictionary on the bodies of a namespace, so that its entries take less memory in Redis."
    epilog = """
examples:
  manage.py train_dictionary NAMESPACE              train, measure, and store it if it saves memory
  manage.py train_dictionary NAMESPACE --dry-run    only print what it would save
  manage.py train_dictionary NAMESPACE --samples 5000 --size 32768

A dictionary holds what the bodies of a namespace have in common (field names, hosts, frequent words), so that even a
body of 300 bytes packs to a quarter. It is trained on bodies that are cached now and, where these are too few, on
those that warm_cache would fill: on four of five, and what it saves is measured on the fifth.

Run it once there is real data, when the shape of the bodies has changed, and when the bytes saved have dropped
(--dry-run shows them). It may run beside traffic, and a worse dictionary is never stored.
"""

    def add_arguments(self, parser: CommandParser) -> None:
        known = ", ".join(registry.namespaces())
        parser.add_argument("namespace", metavar="NAMESPACE", help=f"Whose entries: {known}.")
        parser.add_argument("--samples", type=int, default=2000, metavar="N", help="Bodies to use (default 2000).")
        parser.add_argument(
            "--size", type=int, default=16384, metavar="BYTES", help="Its size at most (default 16384)."
        )
        parser.add_argument("--dry-run", action="store_true", help="Measure and store nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        namespace, wanted, size = options["namespace"], options["samples"], options["size"]
        if wanted < MIN_SAMPLES or not _SIZES[0] <= size <= _SIZES[1]:
            raise CommandError(f"--samples must be at least {MIN_SAMPLES}, --size from {_SIZES[0]} to {_SIZES[1]}.")
        bodies = self._sample(_resource(namespace), wanted)
        try:
            trained = train(namespace, bodies, size, dictionaries.current(namespace))
        except CannotTrain as error:
            raise CommandError(f"{namespace}: {error}.\n{_advice(namespace)}") from error
        self._table(namespace, trained)
        self._finish(namespace, trained, dry_run=options["dry_run"])

    def _sample(self, of: Resource, wanted: int) -> list[bytes]:
        with Progress(f"bodies of {of.policy.namespace}") as progress:
            return sample(of, wanted, lambda more: progress.advance(more, wanted))

    def _table(self, namespace: str, trained: Trained) -> None:
        self.stdout.write(
            f"{namespace}: {len(trained.data):,} bytes trained on {trained.samples:,} bodies, "
            f"tried on {trained.tried:,} others\n\n"
        )
        self.stdout.write(f"{'':<16}{'bytes each':>12}{'saved':>8}{'pack':>10}{'unpack':>10}\n")
        for way in (trained.raw, trained.plain, trained.present, trained.packed):
            self.stdout.write(_line(way, trained) + "\n")

    def _finish(self, namespace: str, trained: Trained, *, dry_run: bool) -> None:
        if not trained.is_worth_it:
            self.stdout.write("\nNothing was stored: entries are about as small at present.\n")
        elif dry_run:
            self.stdout.write("\nNothing was stored: this was a dry run. It would be worth storing.\n")
        else:
            try:
                stored = dictionaries.keep(
                    namespace, trained.data, trained.samples, trained.raw.bytes, trained.packed.bytes
                )
            except ValueError as error:
                raise CommandError(str(error)) from error
            self.stdout.write(self.style.SUCCESS(_NEXT.format(name=f"{stored.number:08x}", namespace=namespace)))


def _resource(namespace: str) -> Resource:
    try:
        return registry.get(namespace)
    except UnknownNamespace as error:
        raise CommandError(f"{error}.") from error


def _advice(namespace: str) -> str:
    return (
        f"Bodies come from the cached entries of {namespace} and from what warm_cache would fill of it: "
        "import or create rows, or let visitors read some, and try again."
    )


def _line(way: Measured, trained: Trained) -> str:
    each, saved = way.bytes / trained.tried, 1 - way.bytes / trained.raw.bytes
    return f"{way.name:<16}{each:>12,.0f}{saved:>8.0%}{way.pack_us:>7.1f} us{way.unpack_us:>7.1f} us"
