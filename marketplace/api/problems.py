"""Problems: the format of every error of this API (RFC 9457, `application/problem+json`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from django.http import HttpResponse

CONTENT_TYPE = "application/problem+json"
FIELDLESS = "non_field_errors"

# Members that RFC 9457 and this API define. Extension members must not replace them.
_RESERVED = frozenset({"type", "title", "status", "detail", "code", "errors"})


def make_problem(
    status: int,
    code: str,
    detail: str,
    errors: Mapping[str, list[str]] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the body of a problem; `type` and `title` follow from `code`, so equal codes mean equal types."""
    problem: dict[str, Any] = {
        "type": f"urn:problem:{code.replace('_', '-')}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
    }
    if errors:
        problem["errors"] = dict(errors)
    problem.update((key, value) for key, value in (extra or {}).items() if key not in _RESERVED)
    return problem


class ProblemResponse(HttpResponse):
    """A problem as a response, rendered at once and independent of the view's renderers.

    `data` is the body before rendering, as on DRF's own responses. Caches must not store problems.
    """

    def __init__(self, problem: dict[str, Any], headers: Mapping[str, str] | None = None) -> None:
        self.data = problem
        super().__init__(
            orjson.dumps(problem, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z),
            status=problem["status"],
            content_type=CONTENT_TYPE,
            headers={"Cache-Control": "no-store", **(headers or {})},
        )
        self.exception = True


def flatten_errors(detail: Any) -> dict[str, list[str]]:
    """Return DRF's nested error detail as one level: the dotted path of a field -> its messages.

    The path names an item of a list by its index (`product_ids.3`). Errors of no field are under `non_field_errors`.
    """
    errors: dict[str, list[str]] = {}
    for path, message in _leaves(detail, ()):
        errors.setdefault(".".join(path) or FIELDLESS, []).append(message)
    return errors


def _leaves(detail: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            # In a nested object, an error of no field belongs to the path of the object itself.
            yield from _leaves(value, path if path and key == FIELDLESS else (*path, str(key)))
    elif isinstance(detail, (list, tuple)):
        for index, value in enumerate(detail):
            nested = isinstance(value, (Mapping, list, tuple))
            yield from _leaves(value, (*path, str(index)) if nested else path)
    else:
        yield path, str(detail)
