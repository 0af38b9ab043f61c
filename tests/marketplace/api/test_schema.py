"""The OpenAPI document: valid, without a warning, and problems everywhere."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.http import HttpResponse
from rest_framework.test import APIClient

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    out = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)
    return yaml.safe_load(out.getvalue())


def test_every_operation_can_answer_a_problem(document: dict[str, Any]) -> None:
    operations = [op for item in document["paths"].values() for name, op in item.items() if name in METHODS]

    assert operations
    for operation in operations:
        content = operation["responses"]["default"]["content"]
        assert content["application/problem+json"]["schema"]["$ref"] == "#/components/schemas/Problem"


def test_operations_have_ids_and_tags_of_their_own(document: dict[str, Any]) -> None:
    operations = [op for item in document["paths"].values() for name, op in item.items() if name in METHODS]
    ids = [operation["operationId"] for operation in operations]

    assert len(set(ids)) == len(ids)
    assert all(operation["tags"] for operation in operations)


def test_every_page_has_a_size_within_the_same_bounds(document: dict[str, Any]) -> None:
    gets = {path: item["get"] for path, item in document["paths"].items() if "get" in item}
    sizes = {
        path: given["schema"]
        for path, operation in gets.items()
        for given in operation.get("parameters", [])
        if given["name"] == "per_page"
    }

    assert len(sizes) == 7
    for path, schema in sizes.items():
        bounds = {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
        assert schema == bounds, path
        assert "400" in gets[path]["responses"], path


def test_operations_that_need_a_login_declare_how(document: dict[str, Any]) -> None:
    paths = document["paths"]

    assert {"token": []} in paths["/api/v1/auth/logout/"]["post"]["security"]
    assert [*map(list, paths["/api/v1/jobs/"]["get"]["security"])] == [["token"], ["adminSession"]]
    assert not any(paths["/api/v1/auth/login/"]["post"].get("security", []))


def test_the_document_is_served_as_yaml_and_json(api: APIClient) -> None:
    assert api.get("/api/schema").content.startswith(b"openapi: 3")
    assert api.get("/api/schema", headers={"accept": "application/json"}).json()["openapi"].startswith("3")


def test_the_docs_need_nothing_from_elsewhere(api: APIClient) -> None:
    page: HttpResponse = api.get("/api/docs")

    links = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert links
    for link in links:
        assert link.startswith("/static/")
        assert api.get(link).status_code == 200, link
    assert b"http://" not in page.content.replace(b"http://testserver", b"")
    assert b"https://" not in page.content
