"""A sorted set in Redis that follows the deadlines of a table: an index, repaired from the table."""

from __future__ import annotations

from caching.deadlines.index import Corrected, DeadlineFamily
from caching.deadlines.repairing import Budget, rebuild, repair
from caching.deadlines.shards import Member, to_ms
from caching.deadlines.table import Deadline, DeadlineTable
from caching.deadlines.walks import Repair

__all__ = [
    "Budget",
    "Corrected",
    "Deadline",
    "DeadlineFamily",
    "DeadlineTable",
    "Member",
    "Repair",
    "rebuild",
    "repair",
    "to_ms",
]
