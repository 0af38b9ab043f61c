from __future__ import annotations

import pytest
from django.test import RequestFactory

from caching.http.responses import cache_status, conditional_response, matches, weak_etag
from caching.readthrough.origin import Origin

ETAG = 'W/"abc"'


@pytest.mark.parametrize(
    ("origin", "value"),
    [
        (Origin(hits=1), "marketplace; hit"),
        (Origin(), "marketplace; hit"),
        (Origin(hits=9, stale=1), "marketplace; hit; detail=stale"),
        (Origin(misses=2), "marketplace; fwd=miss"),
        (Origin(hits=1, misses=2), 'marketplace; fwd=partial; detail="hits 1, stale 0, misses 2"'),
        (Origin(stale=1) + Origin(misses=1), 'marketplace; fwd=partial; detail="hits 0, stale 1, misses 1"'),
    ],
)
def test_cache_status_says_where_an_answer_came_from(origin, value):
    assert cache_status(origin) == value


@pytest.mark.parametrize("header", [ETAG, '"abc"', "*", 'W/"x", W/"abc"', ' "x" , "abc" '])
def test_if_none_match_compares_weakly(header):
    assert matches(header, ETAG)


@pytest.mark.parametrize("header", [None, "", '"abcd"', "abc", 'W/"x"'])
def test_another_tag_does_not_match(header):
    assert not matches(header, ETAG)


def test_a_304_has_the_headers_of_the_200_and_no_body():
    request = RequestFactory().get("/", headers={"If-None-Match": ETAG})
    response = conditional_response(request, b"{}", Origin(hits=1), ETAG)
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["ETag"] == ETAG
    assert "stale-while-revalidate" in response.headers["Cache-Control"]
    assert "Content-Type" not in response.headers


def test_a_tag_depends_on_every_part():
    assert weak_etag([b"a", b"b"]) != weak_etag([b"a", b"c"])
