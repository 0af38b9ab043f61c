"""How PostgreSQL runs a query: the statements that real code sends, and the indexes their plans use."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan: the names of the indexes it reads, the tables it reads from end to end, and its text."""

    indexes: frozenset[str]
    scanned_tables: frozenset[str]
    text: str


def plan_of(act: Callable[[], Any], table: str) -> Plan:
    """Return the plan of the first statement on `table` that `act` sends; whatever `act` changes is rolled back."""
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        act()
        transaction.set_rollback(True)
    named = re.compile(rf'(FROM|UPDATE) "?{table}\b')
    return explain(next(query["sql"] for query in captured if named.search(query["sql"])))


def explain(sql: str) -> Plan:
    """Return the plan that PostgreSQL makes for a statement now."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        (answer,) = cursor.fetchone()
    tree = json.loads(answer) if isinstance(answer, str) else answer
    nodes = list(_nodes(tree[0]["Plan"]))
    return Plan(
        indexes=frozenset(node["Index Name"] for node in nodes if "Index Name" in node),
        scanned_tables=frozenset(node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"),
        text=f"{sql}\n{json.dumps(tree, indent=1)}",
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)
