"""A session of its own on the test's database, which sees only what is committed and holds its own locks."""

from __future__ import annotations

import psycopg
from django.db import connection


def other_session(autocommit: bool = False) -> psycopg.Connection:
    """Return a new connection to the test's database."""
    settings = connection.settings_dict
    return psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        dbname=settings["NAME"],
        autocommit=autocommit,
    )
