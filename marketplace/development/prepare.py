"""Migrates the database and, with --seed, fills it with the demo catalogue. It may run again at any time."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the management commands in one process."""
    # Migrations and seeding may take longer than a request may.
    os.environ.setdefault("DB_STATEMENT_TIMEOUT_MS", "0")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False)
    if "--seed" in sys.argv[1:]:
        call_command("seed_demo")


if __name__ == "__main__":
    main()
