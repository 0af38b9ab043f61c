"""Jobs: at most one run of each at a time, each recorded and within a work budget; and sending tasks to Celery."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from caching.jobs.dispatch import enqueue, prepare
from caching.jobs.lock import exclusive, lock_key
from caching.jobs.work_budget import WorkBudget

if TYPE_CHECKING:
    from caching.jobs.run import run_job
    from caching.jobs.status import job_status, latest_runs

__all__ = ["WorkBudget", "enqueue", "exclusive", "job_status", "latest_runs", "lock_key", "prepare", "run_job"]

# Run records are a model, and Django loads models later than packages.
_LATER = {"run_job": "run", "job_status": "status", "latest_runs": "status"}


def __getattr__(name: str) -> Any:
    """Import what needs the models when it is first asked for (PEP 562)."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
