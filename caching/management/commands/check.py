"""Django's `check`, which with `--tag caching` asks the servers without being told which database."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import check
from django.db import DEFAULT_DB_ALIAS

from caching.upkeep.check_rules import TAG


class Command(check.Command):
    """Names the default database if the caching layer's checks are asked for by their tag."""

    def handle(self, *app_labels: Any, **options: Any) -> None:
        if TAG in (options["tags"] or ()) and not options["databases"]:
            options["databases"] = [DEFAULT_DB_ALIAS]
        super().handle(*app_labels, **options)
