"""The base of caches of querysets: a model, and loads that are queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.libraries.peer import Peer

TABLE = "laws_thing"
APP = "benchmarks.libraries.django_app.LawsConfig"


class OrmPeer(Peer):
    """Reads and writes a Django model, whose queries the peer caches."""

    batches = False

    def make_model(self) -> None:
        """Define the model, after Django and the peer are set up."""
        from django.db import models

        class Thing(models.Model):
            version = models.IntegerField()
            text = models.TextField()

            class Meta:
                app_label = "laws"
                db_table = TABLE
                managed = False

            def __str__(self) -> str:
                return f"thing {self.pk}"

        self.model: Any = Thing

    def read(self, id: int) -> int:
        from django.db import connection

        with connection.execute_wrapper(self._query):
            return self.find(id)

    def find(self, id: int) -> int:
        """Read a version through the cache."""
        return int(self.model.objects.get(pk=id).version)

    def write(self, id: int, version: int) -> None:
        from django.db import transaction

        with transaction.atomic():
            thing = self.model(pk=id, version=version, text="")
            thing.save(force_update=True)

    def change(self, id: int, version: int) -> None:
        change_row(self.place.database_url, id, version)

    def _query(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("SELECT") and TABLE in sql:
            self.loader.loaded([0])
        return result


def change_row(database_url: str, id: int, version: int) -> None:
    """Change a row over a connection of its own, unnoticed by any cache."""
    import psycopg

    with psycopg.connect(database_url) as connection:
        connection.execute(f"UPDATE {TABLE} SET version = %s WHERE id = %s", [version, id])
