"""Client errors before any view runs: methods, media types, and bodies that are not JSON."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from tests.marketplace.problems import problem

pytestmark = pytest.mark.django_db

ROUTES = {
    "/api/v1/auth/register": "post",
    "/api/v1/auth/login": "post",
    "/api/v1/auth/logout": "post",
    "/api/v1/batch/users": "post",
    "/api/v1/batch/cache-stats": "get",
    "/api/v1/jobs": "get",
    "/api/schema": "get",
    "/api/docs": "get",
    "/livez": "get",
    "/readyz": "get",
    "/metrics": "get",
    "/": "get",
}
METHODS = ("get", "post", "put", "patch", "delete")
BODIES = ["/api/v1/auth/register", "/api/v1/auth/login", "/api/v1/batch/users"]
EACH_BODY = pytest.mark.parametrize("path", BODIES)


@pytest.mark.parametrize("path", [path for path in ROUTES if path != "/"])
def test_the_slash_is_optional_and_never_a_redirect(api: APIClient, path: str) -> None:
    ask = getattr(api, ROUTES[path])

    without, with_slash = ask(path), ask(f"{path}/")

    assert without.status_code == with_slash.status_code
    assert without.status_code not in (301, 302, 307, 308, 404)


@pytest.mark.parametrize(
    ("path", "method"), [(path, method) for path in ROUTES for method in METHODS if method != ROUTES[path]]
)
def test_a_wrong_method_is_405_with_allow(api: APIClient, path: str, method: str) -> None:
    response = getattr(api, method)(path)

    # A missing login is answered before a wrong method.
    if path in ("/api/v1/auth/logout", "/api/v1/jobs", "/api/v1/batch/cache-stats"):
        problem(response, 401, "not_authenticated")
        assert response["WWW-Authenticate"] == "Token"
    else:
        problem(response, 405, "method_not_allowed")
    assert ROUTES[path].upper() in response["Allow"]


@pytest.mark.parametrize("path", [path for path in ROUTES if path.startswith("/api/v1")])
def test_only_json_is_spoken(api: APIClient, path: str) -> None:
    problem(getattr(api, ROUTES[path])(path, headers={"accept": "text/html"}), 406, "not_acceptable")


@EACH_BODY
@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_other_media_types_are_refused(api: APIClient, path: str, media_type: str) -> None:
    problem(api.post(path, "a=b", content_type=media_type), 415, "unsupported_media_type")


@EACH_BODY
@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"nope", b'{"a": NaN}', b'{"a": Infinity}', b"\xff\xfe{}", b"[" * 50_000, b'{"a":' * 20_000],
    ids=["open", "empty", "word", "nan", "infinity", "not-utf8", "deep-list", "deep-object"],
)
def test_what_is_not_json_is_400(api: APIClient, path: str, body: bytes) -> None:
    response = api.post(path, body, content_type="application/json")

    problem(response, 400, "parse_error" if body else "invalid_input")


@EACH_BODY
@pytest.mark.parametrize("body", ["[]", '"text"', "5", "null", "true", "[[]]"])
def test_json_of_another_shape_is_400(api: APIClient, path: str, body: str) -> None:
    problem(api.post(path, body, content_type="application/json"), 400, "invalid_input")


@EACH_BODY
@pytest.mark.parametrize("escape", [r"\u0000", r"\ud800"], ids=["nul", "surrogate"])
def test_strings_that_no_database_holds_are_named_by_their_path(api: APIClient, path: str, escape: str) -> None:
    body = f'{{"username": "a{escape}", "deep": [{{"x": "{escape}"}}], "ok": "\\u00e9"}}'

    errors = problem(api.post(path, body, content_type="application/json"), 400, "invalid_input")["errors"]

    assert set(errors) == {"username", "deep.0.x"}


@EACH_BODY
def test_an_escaped_name_is_no_better(api: APIClient, path: str) -> None:
    problem(api.post(path, r'{"a\u0000": 1}', content_type="application/json"), 400, "invalid_input")


@EACH_BODY
def test_a_body_over_the_limit_is_413(api: APIClient, path: str) -> None:
    body = b'{"username": "' + b"x" * 300_000 + b'"}'

    problem(api.post(path, body, content_type="application/json"), 413, "content_too_large")


@EACH_BODY
def test_a_charset_that_is_none_is_400(api: APIClient, path: str) -> None:
    response = api.generic("POST", path, b"{}", content_type="application/json; charset=bz2_codec")

    problem(response, 400, "parse_error")
