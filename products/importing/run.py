"""One import from the first byte to the report: read, clean, drop repeats, write in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from caching.jobs import exclusive
from products.importing import mappings
from products.importing.cleaning import Cleaner
from products.importing.errors import BadRow, CatalogueError, CutShort, SkippedRow
from products.importing.formats import Table
from products.importing.item import Item
from products.importing.lookups import Sellers
from products.importing.mapping import Mapping
from products.importing.report import DUPLICATE, Report
from products.importing.seen import Seen
from products.importing.source import SourceFile
from products.importing.writing import Writer


@dataclass(frozen=True, slots=True)
class Options:
    """How to import a file; the defaults are those of the command."""

    mapping: str = ""
    seller: str = ""
    currency: str = ""
    batch_size: int = 1000
    dry_run: bool = False
    lenient: bool = False
    unavailable_too: bool = False
    started: datetime = field(default_factory=timezone.now)
    on_progress: Callable[[int, int, int], None] = lambda position, size, rows: None


def import_catalogue(path: Path, options: Options, report: Report) -> Mapping:
    """Import a file, filling `report` as it goes, and return the mapping that was used.

    Every batch is one transaction, so that a killed import leaves whole batches. A file that is cut is imported up to
    the cut, which the report contains. Raises CatalogueError when nothing could be begun.
    """
    with SourceFile(path) as source:
        table = Table(source)
        mapping = mappings.named(options.mapping) if options.mapping else mappings.detect(table.columns)
        mappings.check_fits(mapping, table.columns)
        # Two imports of one source would race for its rows.
        with exclusive(f"import_catalogue:{mapping.source}") as mine:
            if not mine:
                raise CatalogueError(f"another import of {mapping.source!r} is running")
            with Seen() as seen:
                _Run(source, table, mapping, options, report, seen).all()
    return mapping


class _Run:
    """The loop over the rows, and the batch that it fills."""

    def __init__(
        self,
        source: SourceFile,
        table: Table,
        mapping: Mapping,
        options: Options,
        report: Report,
        seen: Seen,
    ) -> None:
        self._source, self._table, self._options = source, table, options
        self._report, self._seen = report, seen
        self._cleaner = Cleaner(
            mapping,
            currency=options.currency or mapping.currency or settings.DEFAULT_CURRENCY,
            lenient=options.lenient,
            unavailable_too=options.unavailable_too,
        )
        sellers = Sellers(mapping.source, options.seller)
        self._writer = Writer(mapping.source, sellers, options.started, dry_run=options.dry_run)
        self._batch: list[Item] = []

    def all(self) -> None:
        try:
            for row in self._table:
                self._report.rows += 1
                try:
                    self._batch.append(self._cleaner.item(row))
                except BadRow as why:
                    self._report.refuse(row.line, why)
                if len(self._batch) >= self._options.batch_size:
                    self._flush()
        except CutShort as error:
            self._report.cut_short(self._table.line, str(error))
        self._flush()

    def _flush(self) -> None:
        fresh, repeated = self._seen.split(self._batch)
        for item, first_line in repeated:
            self._report.refuse(item.line, SkippedRow(DUPLICATE, f"{item.source_id}, first in line {first_line}"))
        self._report.wrote(self._writer.write(fresh))
        for item in fresh:
            if item.notes:
                self._report.noted(item)
        self._batch.clear()
        self._options.on_progress(self._source.position, self._source.size, self._report.rows)
