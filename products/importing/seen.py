"""Which source ids this run has met, kept in a temporary table so that memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from products.importing.item import Item

_CREATE = "CREATE TEMPORARY TABLE import_seen (source_id text PRIMARY KEY, line bigint NOT NULL)"
_DROP = "DROP TABLE IF EXISTS import_seen"
_ADD = """
    INSERT INTO import_seen (source_id, line)
    SELECT * FROM unnest(%s::text[], %s::bigint[])
    ON CONFLICT DO NOTHING RETURNING source_id
"""
_LINES = "SELECT source_id, line FROM import_seen WHERE source_id = ANY(%s::text[])"


class Seen:
    """Separates the first item with an id from later ones. Belongs to the connection that it was opened on."""

    def __enter__(self) -> Seen:
        with connection.cursor() as cursor:
            cursor.execute(_DROP)
            cursor.execute(_CREATE)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # After an error the connection may be gone or its transaction broken; the table goes with it, or at
        # the next start.
        if kind is None:
            with connection.cursor() as cursor:
                cursor.execute(_DROP)

    def split(self, items: Sequence[Item]) -> tuple[list[Item], list[tuple[Item, int]]]:
        """Return the first items of their ids, and the repeated ones with the line of the first."""
        firsts: dict[str, Item] = {}
        for item in items:
            firsts.setdefault(item.source_id, item)
        fresh = self._add(list(firsts.values()))
        kept = [item for key, item in firsts.items() if key in fresh]
        repeated = [item for item in items if item.source_id not in fresh or firsts[item.source_id] is not item]
        lines = self._lines([item.source_id for item in repeated]) if repeated else {}
        return kept, [(item, lines[item.source_id]) for item in repeated]

    def _add(self, items: list[Item]) -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute(_ADD, [[item.source_id for item in items], [item.line for item in items]])
            return {row[0] for row in cursor.fetchall()}

    def _lines(self, source_ids: list[str]) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(_LINES, [source_ids])
            return dict(cursor.fetchall())
