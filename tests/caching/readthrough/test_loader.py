"""What a loader returned is refused where it would pass for something else."""

from __future__ import annotations

import pytest

from caching.entries.policy import Policy
from caching.readthrough.batch import fetch_many
from caching.readthrough.fetch import fetch
from caching.readthrough.loader import Load, checked
from caching.readthrough.resource import Resource

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("ids", "load", "sentence"),
    [
        ([1], [b"one"], "loader of 'shelves' returned list; it must return caching.Load"),
        ([1], None, "loader of 'shelves' returned NoneType"),
        ([1], Load({1: "one"}), "returned str for 1; a body is bytes"),
        ([1], Load({1: {"id": 1}}), "returned dict for 1; a body is bytes"),
        (["1"], Load({1: b"one"}), "was asked for '1' and returned 1: use one type"),
        ([1, 2], Load({"1": b"one", 2: b"two"}), "was asked for 1 and returned '1': use one type"),
    ],
)
def test_an_answer_that_is_none_is_refused_with_a_sentence(ids, load, sentence) -> None:
    with pytest.raises(TypeError, match=sentence):
        checked("shelves", ids, load, counted=False)


@pytest.mark.parametrize("load", [Load({}), Load({2: b"two"}), Load({1: b"one", 2: b"two", "x": b"more"})])
def test_rows_that_do_not_exist_and_rows_that_were_not_asked_for_are_right(load) -> None:
    assert checked("shelves", [1, 2], load, counted=False) is load


def test_a_counted_resource_needs_totals() -> None:
    with pytest.raises(TypeError, match="returned no totals"):
        checked("shelves", [1], Load({1: b"one"}), counted=True)
    assert checked("shelves", [1], Load({}), counted=True)


@pytest.mark.parametrize("read", [lambda shelves: fetch(shelves, "1"), lambda shelves: fetch_many(shelves, ["1"])])
def test_a_row_under_an_id_of_another_type_is_not_kept_as_one_that_does_not_exist(read) -> None:
    # Given a resource whose ids are numbers
    shelves = Resource(Policy("shelves", 60, 600), lambda ids: Load({int(id): b"one" for id in ids}))

    # When one is read by its text, then the mistake is named
    with pytest.raises(TypeError, match="use one type for the ids"):
        read(shelves)

    # And nothing was stored in its place
    assert shelves.store.read([1]).entries == {}
