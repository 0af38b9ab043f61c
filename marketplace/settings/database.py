"""PostgreSQL: the URL, the pool sized to the threads, and the time limits of a statement."""

from __future__ import annotations

from typing import Any

from marketplace.settings.env import ENVIRONMENT, env, number, required

WEB_THREADS: int = number("WEB_THREADS", 4, least=1)

_database: dict[str, Any] = dict(
    env.db_url_config(required("DATABASE_URL", "postgresql://user:password@host:5432/marketplace"))
)
_database["ENGINE"] = "django.db.backends.postgresql"
# A pool hands connections from request to request, so Django's own persistence must be off.
_database["CONN_MAX_AGE"] = 0
_database["CONN_HEALTH_CHECKS"] = True
_database["OPTIONS"] = {
    **_database.get("OPTIONS", {}),
    "connect_timeout": number("DB_CONNECT_TIMEOUT_SECONDS", 5, least=0),
    "application_name": env.str("DB_APPLICATION_NAME", default="marketplace"),
    "options": " ".join(
        [
            f"-c statement_timeout={number('DB_STATEMENT_TIMEOUT_MS', 15_000, least=0)}",
            f"-c idle_in_transaction_session_timeout={number('DB_IDLE_TRANSACTION_TIMEOUT_MS', 60_000, least=0)}",
            "-c timezone=UTC",
        ]
    ),
}
if ENVIRONMENT != "test":
    # One connection a thread and one to spare; a pool smaller than the threads turns load into PoolTimeout.
    _database["OPTIONS"]["pool"] = {
        "min_size": number("DB_POOL_MIN", 1, least=0),
        "max_size": number("DB_POOL_MAX", WEB_THREADS + 1, least=1),
        "timeout": number("DB_POOL_TIMEOUT_SECONDS", 5.0, least=0),
    }

DATABASES = {"default": _database}
