"""A rule that cannot work is refused where it is declared, and what it returns where it is used."""

from __future__ import annotations

import pytest

from caching.readthrough.forget import Change, Forget
from products.models import Category, Product


@pytest.mark.parametrize(
    ("rule", "error", "sentence"),
    [
        (Forget([Category]), TypeError, "is no model"),
        (Forget("products.Category"), TypeError, "is no model"),
        (Forget(Category, fields="name"), TypeError, "must be a collection of names"),
        (Forget(Category, fields={"nome"}), ValueError, "Category has no field 'nome'"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(rule, error, sentence) -> None:
    with pytest.raises(error, match=sentence):
        rule.check()


@pytest.mark.parametrize("returned", [None, 7, "17", b"17", [None], [Category(pk=1)]])
def test_what_is_no_collection_of_ids_is_refused_with_the_rule(returned) -> None:
    with pytest.raises(TypeError, match="a Category makes entries old must return ids"):
        Forget(Category, lambda row: returned).ids_of(Category(pk=1))


def test_ids_may_come_one_by_one() -> None:
    assert Forget(Category, lambda row: (id for id in (1, "first"))).ids_of(Category(pk=1)) == [1, "first"]


@pytest.mark.parametrize("fields", [{"seller"}, {"seller_id"}])
@pytest.mark.parametrize("saved", [["seller"], ["seller_id"]])
def test_a_foreign_key_has_two_names(fields, saved) -> None:
    rule = Forget(Product, fields=fields)
    assert rule.concerns(Change.UPDATED, saved)
    assert not rule.concerns(Change.UPDATED, ["title"])
