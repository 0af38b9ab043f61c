"""`manage.py check`: Django's, which with `--tag caching` asks PostgreSQL and Redis too."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import check
from django.db import DEFAULT_DB_ALIAS

from caching.management.base import HelpfulCommand
from caching.upkeep.check_rules import TAG


class Command(HelpfulCommand, check.Command):
    """Names the default database if the caching layer's checks are asked for by their tag."""

    epilog = """
examples:
  manage.py check                  settings and models, without a server
  manage.py check --tag caching    whether Redis could drop state, and whether PostgreSQL and Redis suit the cache
  manage.py check --deploy         what to change before production
"""

    def handle(self, *app_labels: Any, **options: Any) -> None:
        if TAG in (options["tags"] or ()) and not options["databases"]:
            options["databases"] = [DEFAULT_DB_ALIAS]
        super().handle(*app_labels, **options)
