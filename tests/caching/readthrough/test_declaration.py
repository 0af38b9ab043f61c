"""A resource is declared once; its rules invalidate entries when rows are saved or deleted, after the commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.db import models, transaction
from knox.models import AuthToken

from caching.counters.family import CounterFamily
from caching.entries.policy import Policy
from caching.keys import Id
from caching.readthrough.declaration import resource, withdraw
from caching.readthrough.fetch import fetch
from caching.readthrough.forget import Change, Forget
from caching.readthrough.invalidation import invalidate
from caching.readthrough.loader import Load
from caching.readthrough.resource import Resource, registry
from caching.readthrough.warming import names
from products.models import Category, ProductViews
from tests.factories import CategoryFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
POLICY = Policy("shelves", soft_ttl=60, hard_ttl=3600)
LIKES = CounterFamily("shelf_likes", shards=1, bucket_seconds=4)


class Keyed(models.Model):
    """A model whose keys are no ids of the layer."""

    id = models.UUIDField(primary_key=True)

    class Meta:
        app_label = "tests"
        managed = False

    def __str__(self) -> str:
        return str(self.pk)


def load_categories(ids: Any) -> Load:
    rows = Category.objects.filter(pk__in=ids).values_list("pk", "name")
    return Load({pk: name.encode() for pk, name in rows}, {pk: 7 for pk, _ in rows})


@pytest.fixture
def declare() -> Iterator[Callable[..., Resource]]:
    """Return a function that declares a resource of categories for the time of the test."""
    made: list[Resource] = []

    def declared(**options: Any) -> Resource:
        made.append(resource(POLICY, load_categories, **options))
        return made[-1]

    yield declared
    for each in made:
        withdraw(each)


def body(shelves: Resource, id: Id) -> bytes | None:
    return fetch(shelves, id).body


def test_saving_and_deleting_a_row_forgets_it_by_default(declare: Any) -> None:
    shelves = declare(rows=Category)
    category = CategoryFactory(name="Lamps")
    pk = category.pk
    assert body(shelves, pk) == b"Lamps"

    category.name = "Lights"
    category.save()
    assert body(shelves, pk) == b"Lights"

    category.delete()
    assert body(shelves, pk) is None


def test_a_row_that_was_missing_is_seen_once_it_is_created(declare: Any) -> None:
    shelves = declare(rows=Category)
    assert body(shelves, 4711) is None

    CategoryFactory(pk=4711, name="Lamps")

    assert body(shelves, 4711) == b"Lamps"


def test_a_rollback_forgets_nothing(declare: Any) -> None:
    shelves = declare(rows=Category)
    category = CategoryFactory(name="Lamps")
    body(shelves, category.pk)

    with transaction.atomic():
        Category.objects.get(pk=category.pk).save()
        transaction.set_rollback(True)

    assert fetch(shelves, category.pk).state == "hit"


def test_without_rows_nothing_is_invalidated_by_a_save(declare: Any) -> None:
    shelves = declare()
    category = CategoryFactory(name="Lamps")
    body(shelves, category.pk)

    category.save()

    assert fetch(shelves, category.pk).state == "hit"


@pytest.mark.parametrize(
    ("on", "created", "updated", "deleted"),
    [
        (Change.CREATED, True, False, False),
        (Change.UPDATED, False, True, False),
        (Change.SAVED, True, True, False),
        (Change.DELETED, False, False, True),
        (Change.ANY, True, True, True),
    ],
)
def test_a_rule_counts_the_changes_that_it_names(
    declare: Any, on: Change, created: bool, updated: bool, deleted: bool
) -> None:
    forgotten: list[int] = []

    def ids(row: Any) -> list[int]:
        forgotten.append(row.pk)
        return [1]

    declare(forget_on=[Forget(Category, ids, on=on)])

    def counted(act: Callable[[], Any]) -> bool:
        forgotten.clear()
        act()
        return bool(forgotten)

    category = CategoryFactory.build()
    assert [counted(category.save), counted(category.save), counted(category.delete)] == [created, updated, deleted]


def test_a_save_of_other_fields_forgets_nothing(declare: Any) -> None:
    shelves = declare(rows=Category, forget_on=[Forget(Category, fields={"name"})])
    category = CategoryFactory(name="Lamps")
    body(shelves, category.pk)

    category.save(update_fields=["slug"])
    assert fetch(shelves, category.pk).state == "hit"

    category.save(update_fields=["slug", "name"])
    assert fetch(shelves, category.pk).state == "miss"


def test_a_deleted_row_is_no_longer_counted(declare: Any) -> None:
    family = CounterFamily("shelf_views", shards=1, bucket_seconds=4)
    shelves = declare(rows=Category, family=family)
    category = CategoryFactory()
    pk = category.pk
    assert [fetch(shelves, pk, 1).live, shelves.increment(pk)] == [8, 9]

    category.delete()

    assert family.live([pk]) == {}


def test_warming_knows_a_resource_by_its_name(declare: Any) -> None:
    declare(warm=lambda limit: range(limit), warm_name="best")
    assert "best" in names()


def test_an_increment_needs_a_family(declare: Any) -> None:
    with pytest.raises(TypeError, match="shelves was declared without a counter family"):
        declare().increment(1)


def test_a_namespace_is_declared_once_and_known_until_it_is_withdrawn(declare: Any) -> None:
    shelves = declare(rows=Category)
    with pytest.raises(ValueError, match="'shelves' is declared twice"):
        resource(POLICY, load_categories)
    assert registry.get("shelves") is shelves


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"loader": None}, TypeError, "loader of 'shelves' is None; it must be a function"),
        ({"rows": Keyed}, TypeError, "the key of Keyed is a UUIDField; for an id it must be a number or text"),
        (
            {"rows": Session, "family": LIKES},
            TypeError,
            "the key of Session is a CharField; for an id it must be a number,",
        ),
        ({"rows": [Category]}, TypeError, "is no model"),
        ({"forget_on": [Forget(Category, fields={"nome"})]}, ValueError, "Category has no field 'nome'"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused_and_not_kept(options: Any, error: Any, sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        resource(POLICY, **{"loader": load_categories, **options})
    assert "shelves" not in registry.namespaces()


def test_a_key_that_is_another_row_is_judged_by_that_rows_key(declare: Any) -> None:
    assert declare(rows=ProductViews).policy is POLICY


def test_without_the_app_a_declaration_says_what_to_add(settings: Any) -> None:
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "caching"]
    with pytest.raises(ImproperlyConfigured, match="add 'caching' to INSTALLED_APPS"):
        resource(POLICY, load_categories)


def test_a_namespace_that_is_taken_says_by_whom(declare: Any) -> None:
    declare()
    with pytest.raises(ValueError, match=rf"'shelves' is declared twice, first with a loader of {__name__}"):
        resource(POLICY, load_categories)


@pytest.mark.parametrize("ids", [[Category(pk=1)], [None]])
def test_rows_in_place_of_ids_are_refused(declare: Any, ids: Any) -> None:
    with pytest.raises(TypeError, match="ids are numbers or texts"):
        invalidate(declare(), ids)


def test_a_name_in_place_of_a_resource_is_refused() -> None:
    with pytest.raises(TypeError, match="pass the resource itself, not 'product'"):
        invalidate("product", [1])  # type: ignore[arg-type]


def test_a_rule_for_a_base_holds_for_every_model_that_is_one(declare: Any) -> None:
    # Given a rule for a class that several models may have as their base
    shelves = declare(forget_on=[Forget(AbstractUser, lambda user: [user.pk])])
    user, category = UserFactory(), CategoryFactory(name="Lamps")
    shelves.loader = lambda ids: Load(dict.fromkeys(ids, b"one"))

    # When a row of such a model is saved, then its entry is forgotten
    assert [fetch(shelves, user.pk).state, fetch(shelves, user.pk).state] == ["miss", "hit"]
    user.save()
    assert fetch(shelves, user.pk).state == "miss"
    category.save()
    assert fetch(shelves, user.pk).state == "hit"


def test_a_rule_for_a_deletion_still_sees_what_is_deleted_with_the_row(declare: Any) -> None:
    # Given a rule that finds the ids by rows that go with the one that is deleted
    user = UserFactory()
    token, _ = AuthToken.objects.create(user)
    found: list[Id] = []

    def tokens(row: Any) -> list[Id]:
        found.extend(row.auth_token_set.values_list("pk", flat=True))
        return found

    declare(forget_on=[Forget(get_user_model(), tokens, on=Change.DELETED)])

    # When it is deleted, then they are known
    user.delete()
    assert found == [token.pk]


def test_a_name_for_warming_is_taken_once(declare: Any) -> None:
    declare(warm=lambda limit: [], warm_name="wanted")
    with pytest.raises(ValueError, match="'wanted' is the warm_name of two resources"):
        resource(Policy("more", 60, 600), load_categories, warm=lambda limit: [], warm_name="wanted")
