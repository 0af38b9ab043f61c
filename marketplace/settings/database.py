"""PostgreSQL: the URL, the pool sized to the threads, and the time limits of a statement."""

from __future__ import annotations

from typing import Any

from marketplace.settings.env import ENVIRONMENT, env, required

WEB_THREADS: int = env.int("WEB_THREADS", default=4)

_database: dict[str, Any] = dict(
    env.db_url_config(required("DATABASE_URL", "postgresql://user:password@host:5432/marketplace"))
)
_database["ENGINE"] = "django.db.backends.postgresql"
# A pool hands connections from request to request, so Django's own persistence must be off.
_database["CONN_MAX_AGE"] = 0
_database["CONN_HEALTH_CHECKS"] = True
_database["OPTIONS"] = {
    **_database.get("OPTIONS", {}),
    "connect_timeout": env.int("DB_CONNECT_TIMEOUT_SECONDS", default=5),
    "application_name": env.str("DB_APPLICATION_NAME", default="marketplace"),
    "options": " ".join(
        [
            f"-c statement_timeout={env.int('DB_STATEMENT_TIMEOUT_MS', default=15_000)}",
            f"-c idle_in_transaction_session_timeout={env.int('DB_IDLE_TRANSACTION_TIMEOUT_MS', default=60_000)}",
            "-c timezone=UTC",
        ]
    ),
}
if ENVIRONMENT != "test":
    # One connection a thread and one to spare; a pool smaller than the threads turns load into PoolTimeout.
    _database["OPTIONS"]["pool"] = {
        "min_size": env.int("DB_POOL_MIN", default=1),
        "max_size": env.int("DB_POOL_MAX", default=WEB_THREADS + 1),
        "timeout": env.float("DB_POOL_TIMEOUT_SECONDS", default=5.0),
    }

DATABASES = {"default": _database}
