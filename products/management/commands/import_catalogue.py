"""`manage.py import_catalogue`: products from a CSV, JSON or NDJSON file."""

from __future__ import annotations

import time
from argparse import ArgumentTypeError
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from caching import HelpfulCommand, Progress
from products.importing.errors import CatalogueError
from products.importing.mappings import shipped_names
from products.importing.report import Report
from products.importing.run import Options, import_catalogue
from products.models import CURRENCIES


class Command(HelpfulCommand):
    """Prints the counts of an import, the first rejected rows, and where the file was cut."""

    help = """\
Import products from a CSV, JSON-array or NDJSON file, plain, gzip or xz. The file is streamed. A mapping declares
which column means what; without --mapping the shipped mapping that fits the file's columns is used."""
    epilog = """
examples:
  manage.py import_catalogue groceries.csv.gz
  manage.py import_catalogue phones.json --mapping electronics --seller anna
  manage.py import_catalogue stock.csv --mapping my-shop.toml --report rejected.ndjson
  manage.py import_catalogue stock.csv --mapping my-shop.toml --dry-run

A bad row is reported with its line and reason and skipped. Each batch is a transaction, so a killed import
leaves whole batches, and the same file can be imported again: only what changed is written.
The exit code is 1 if the file could not be read to its end or no row made sense. See docs/importing.md.
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--mapping",
            default="",
            metavar="NAME|FILE",
            help=f"One that is shipped ({', '.join(shipped_names())}), or a .toml or .json file that declares one.",
        )
        parser.add_argument(
            "--seller", default="", metavar="USERNAME", help="Who sells all products (default: one user for each shop)."
        )
        parser.add_argument("--currency", default="", choices=CURRENCIES, help="For rows that name none.")
        parser.add_argument("--dry-run", action="store_true", help="Do all of it and roll every batch back.")
        parser.add_argument(
            "--report", type=Path, metavar="FILE", help="Write every row that is not imported there, as NDJSON."
        )
        parser.add_argument(
            "--batch-size", type=_positive, default=1000, metavar="N", help="Rows in a transaction (default 1000)."
        )
        parser.add_argument(
            "--lenient-encoding", action="store_true", help="Replace broken UTF-8 by � instead of rejecting the row."
        )
        parser.add_argument(
            "--include-unavailable", action="store_true", help="Import what the source has sold out, too."
        )
        parser.add_argument("--quiet", action="store_true", help="Show no progress.")

    def handle(self, *, file: Path, report: Path | None, **options: Any) -> None:
        started = time.monotonic()
        account = Report()
        try:
            with (
                report.open("w", encoding="utf-8") if report else nullcontext() as account.out,
                Progress(f"importing {file.name}", quiet=options["quiet"]) as progress,
            ):
                mapping = import_catalogue(
                    file,
                    Options(
                        mapping=options["mapping"],
                        seller=options["seller"],
                        currency=options["currency"] or "",
                        batch_size=options["batch_size"],
                        dry_run=options["dry_run"],
                        lenient=options["lenient_encoding"],
                        unavailable_too=options["include_unavailable"],
                        on_progress=lambda at, size, rows: progress.update(at, size, f"{rows:,} rows"),
                    ),
                    account,
                )
        except CatalogueError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("interrupted: whole batches are kept, run it again to go on", returncode=130) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        self._print(account, mapping.source, time.monotonic() - started, dry_run=options["dry_run"])
        if account.cut:
            raise CommandError(account.cut)
        if not account.understood:
            raise CommandError(f"no row of {file} made sense as a product of {mapping.source!r}")

    def _print(self, account: Report, source: str, seconds: float, *, dry_run: bool) -> None:
        for text in account.first_rejected:
            self.stdout.write(self.style.WARNING(f"rejected {text}"))
        if account.rejected.total() > len(account.first_rejected):
            more = account.rejected.total() - len(account.first_rejected)
            self.stdout.write(f"... and {more:,} more; --report FILE lists all of them")
        head = f"{source}: {account.rows:,} rows in {seconds:.1f} s"
        self.stdout.write(self.style.MIGRATE_HEADING(f"{head}, dry run: nothing was kept" if dry_run else head))
        counts = [("created", account.created), ("updated", account.updated), ("unchanged", account.unchanged)]
        for kind, reasons in (("skipped", account.skipped), ("rejected", account.rejected), ("", account.notes)):
            counts += [(f"{kind}: {reason}".removeprefix(": "), count) for reason, count in reasons.most_common()]
        for name, count in counts:
            self.stdout.write(f"  {count:>9,}  {name}")


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError("it must be a whole number of at least 1")
    return int(text)
