"""Variations of a request: tables of methods, headers, numbers and bodies."""

from __future__ import annotations

from functools import partial

from tests.marketplace.api.lane.request import Request, Twist

# The rows that the requests name: products and users; the last ones are sold, withdrawn or inactive.
PRODUCTS = [11, 12, 13, 14, 15]
SOLD, WITHDRAWN, UNKNOWN = 16, 17, 99
USERS = [21, 22, 23]
INACTIVE = 24
SLUG = "lamps"

DETAIL = Request("detail", f"/api/v1/products/{PRODUCTS[0]}/")
FEEDS = [
    Request("discover", "/api/v1/feeds/discover/", query="per_page=2"),
    Request("trending", "/api/v1/feeds/trending/", query="per_page=2"),
    Request("category", f"/api/v1/feeds/category/{SLUG}/", query="per_page=2"),
    Request("seller", f"/api/v1/feeds/seller/{USERS[0]}/", query="per_page=2"),
]


def posted(name: str, path: str, body: bytes) -> Request:
    return Request(name, path, "POST", body=body, environ={"CONTENT_TYPE": "application/json"})


BATCHES = [
    posted("product batch", "/api/v1/batch/products/", b'{"product_ids": [12, 11]}'),
    posted("user batch", "/api/v1/batch/users/", b'{"user_ids": [22, 21]}'),
]


def _said(name: str, plain: bool = True, **environ: str | None) -> Twist:
    return Twist(name, lambda request: request.saying(**environ), plain)


def _put(name: str, plain: bool = True, **fields: str | bytes) -> Twist:
    return Twist(name, lambda request: request._replace(**fields), plain)


ACCEPTS = [
    _said("Accept */*", HTTP_ACCEPT="*/*"),
    _said("Accept JSON", HTTP_ACCEPT="application/json"),
    _said("Accept of axios", HTTP_ACCEPT="application/json, text/plain, */*"),
    _said("Accept of a browser", False, HTTP_ACCEPT="text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    _said("Accept HTML", False, HTTP_ACCEPT="text/html"),
    _said("Accept XML", False, HTTP_ACCEPT="application/xml"),
    _said("Accept no JSON", False, HTTP_ACCEPT="application/json;q=0"),
    _said("Accept with a parameter", False, HTTP_ACCEPT="application/json; indent=4"),
    _said("Accept in capitals", False, HTTP_ACCEPT="Application/JSON"),
    _said("Accept garbage", False, HTTP_ACCEPT=",;/=q\xff"),
    _said("Accept nothing", False, HTTP_ACCEPT=""),
    _said("Accept a blank", False, HTTP_ACCEPT=" "),
]
METHODS = [
    _put(method, method in ("HEAD", "get"), method=method)
    for method in ("HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get")
]
CONDITIONS = [
    _said("If-None-Match: the same", HTTP_IF_NONE_MATCH="{etag}"),
    _said("If-None-Match: another", HTTP_IF_NONE_MATCH='W/"another"'),
    _said("If-None-Match: *", HTTP_IF_NONE_MATCH="*"),
    _said("If-None-Match: a list", HTTP_IF_NONE_MATCH='"a", {etag} ,W/"b"'),
    _said("If-None-Match: nothing", HTTP_IF_NONE_MATCH=""),
    _said("If-Match", HTTP_IF_MATCH='"another"'),
    _said("If-Modified-Since", HTTP_IF_MODIFIED_SINCE="Wed, 01 Jan 2031 00:00:00 GMT"),
]
SURROUNDINGS = [
    Twist("without its slash", lambda request: request._replace(path=request.path.rstrip("/"))),
    _said("a bad token", HTTP_AUTHORIZATION="Token nonsense"),
    _said("a malformed token", HTTP_AUTHORIZATION="Token \xff \x00"),
    _said("a session", HTTP_COOKIE="sessionid=x"),
    _said("another method in a header", HTTP_X_HTTP_METHOD_OVERRIDE="DELETE"),
    Twist("an unknown parameter", lambda request: request._replace(query=f"{request.query}&format=xml&a=%20")),
]
HOSTS = [_said("another host", HTTP_HOST="localhost:8000"), _said("a foreign host", False, HTTP_HOST="evil.example")]


def _id(name: str, id: object, plain: bool = False) -> Twist:
    return _put(name, plain, path=f"/api/v1/products/{id}/")


IDS = [
    _id("an id with zeros", "00011", plain=True),
    _id("an id of 18 digits", "11".zfill(18), plain=True),
    _id("an id of 19 digits", "11".zfill(19), plain=True),
    _id("a sold product", SOLD, plain=True),
    _id("a withdrawn product", WITHDRAWN),
    _id("an unknown product", UNKNOWN),
    _id("id 0", 0),
    _id("id 000", "000"),
    _id("id 2**63-1", 2**63 - 1),
    _id("id 2**63", 2**63),
    _id("an id of 30 digits", "1" * 30),
    _id("an id of 5000 digits", "1" * 5000),
    _id("an id in Arabic digits", "١١"),
    _id("a negative id", -11),
    _id("an id and a blank", "11 "),
]


def _query(query: str, plain: bool = False) -> Twist:
    return _put(query[:40] or "no query", plain, query=query)


PAGES = [
    *map(partial(_query, plain=True), ("", "page=2&per_page=2", "per_page=2&page=003", "page=3&per_page=2")),
    *map(partial(_query, plain=True), ("per_page=100", "p%61ge=%32&per_page=2", "per_page=2&utm=%C3%A9&x&=")),
    *map(_query, ("page=0", "page=-1", "page=1e3", "page=x", "page=1.5", "page=1.0&per_page=2", "page=%2B1", "page=")),
    *map(_query, ("page=1&page=2", "page=9&per_page=2", "page=100000", "page=100001", f"page={'9' * 30}", "page=%00")),
    *map(_query, ("page=0000001&per_page=2", "page=%EF%BC%91&per_page=2", "page=%C2%B2", "page=+1+&per_page=2")),
    *map(
        _query,
        ("per_page=0", "per_page=101", "per_page=", "per_page=2&per_page=2", "page[]=1&per_page[]=%ff&per_page=0"),
    ),
    _put("1001 parameters", False, query="&".join(["x=1"] * 1001)),
    _put(f"page={'9' * 5000}"[:20], False, query=f"page={'9' * 5000}"),
]
