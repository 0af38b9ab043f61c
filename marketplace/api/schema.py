"""The OpenAPI document. The problem responses are added to every operation here, so that no view declares them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema

from caching.http import MAX_IDS

_PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457). Some codes add members of their own.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri", "example": "urn:problem:invalid-input"},
        "title": {"type": "string", "example": "Invalid input"},
        "status": {"type": "integer", "example": 400},
        "detail": {"type": "string", "example": "price: A valid number is required."},
        "code": {"type": "string", "example": "invalid_input"},
        "errors": {
            "type": "object",
            "description": "Dotted path of a field -> its messages; `non_field_errors` for those of no field.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
    "additionalProperties": True,
}
_DESCRIPTIONS = {
    "400": "The input is not valid.",
    "401": "No token, or one that is not valid.",
    "403": "Not allowed.",
    "404": "There is no such thing, or not for this client.",
    "429": "Too many requests; `Retry-After` says when to come back.",
    "default": "Any other error.",
}
_METHODS = ("get", "put", "post", "delete", "patch")


class AutoSchema(SpectacularAutoSchema):
    """Names an operation's tag after the part of the API, and keeps its id free of the version."""

    def get_tags(self) -> list[str]:
        """Return the first segment below `/api/v1`, as `products`."""
        segments = [part for part in self.path.split("/") if part and not part.startswith("{")]
        return [segments[2] if len(segments) > 2 else "marketplace"]


class TokenScheme(KnoxTokenScheme):
    """Describes the token in the OpenAPI document."""

    target_class = "marketplace.api.authentication.TokenAuthentication"
    name = "token"


class AdminSessionScheme(SessionScheme):
    """Describes the session in the OpenAPI document."""

    target_class = "marketplace.api.authentication.AdminSessionAuthentication"
    name = "adminSession"


class IdList(OpenApiSerializerFieldExtension):
    """Describes the ids of a batch in the OpenAPI document."""

    target_class = "caching.http.id_list.IdListField"

    def map_serializer_field(self, auto_schema: SpectacularAutoSchema, direction: str) -> dict[str, Any]:
        """Return an array of integers or strings."""
        ids = {"oneOf": [{"type": "integer"}, {"type": "string"}]}
        return {"type": "array", "items": ids, "maxItems": MAX_IDS}


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Give every operation its problem responses: drf-spectacular's postprocessing hook."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM
    for path, item in result.get("paths", {}).items():
        for method in _METHODS:
            if operation := item.get(method):
                _add_to(operation, method, path)
    return result


def _add_to(operation: dict[str, Any], method: str, path: str) -> None:
    statuses = ["default"]
    if "requestBody" in operation or any(given["in"] == "query" for given in operation.get("parameters", [])):
        statuses.append("400")
    if any(operation.get("security", [{}])):
        statuses += ["401", "403"]
    if "{" in path:
        statuses.append("404")
    if method != "get":
        statuses.append("429")
    responses = operation["responses"]
    for status in statuses:
        responses.setdefault(status, _response(status))


def _response(status: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": _DESCRIPTIONS[status], "content": {"application/problem+json": {"schema": schema}}}
