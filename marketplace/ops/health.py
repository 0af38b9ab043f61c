"""The liveness and readiness probes for an orchestrator."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from marketplace.api.problems import ProblemResponse, make_problem
from marketplace.api.renderers import render
from marketplace.ops.methods import read_only
from marketplace.ops.probes import Finding
from marketplace.ops.readiness import check_servers

_ALIVE = b'{"status":"ok"}'


def _json(body: bytes) -> HttpResponse:
    return HttpResponse(body, content_type="application/json", headers={"Cache-Control": "no-store"})


@csrf_exempt
@read_only
def livez(request: HttpRequest) -> HttpResponse:
    """Answer 200 without asking any server."""
    return _json(_ALIVE)


@csrf_exempt
@read_only
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 if requests can be served, with or without Redis, and 503 without PostgreSQL."""
    findings = check_servers()
    parts = {name: _describe(finding) for name, finding in findings.items()}
    if not findings["database"].ok:
        problem = make_problem(503, "not_ready", "PostgreSQL does not answer.", extra={"parts": parts})
        return ProblemResponse(problem, {"Retry-After": "5"})
    whole = all(finding.ok for finding in findings.values())
    return _json(render({"status": "ok" if whole else "degraded", "parts": parts}))


def _describe(finding: Finding) -> dict[str, Any]:
    described: dict[str, Any] = {"status": "ok" if finding.ok else "down", "milliseconds": finding.milliseconds}
    if finding.detail:
        described["detail"] = finding.detail
    return described
