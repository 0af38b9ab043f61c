"""The command as a whole, on real PostgreSQL: what it writes and prints, and what a second run changes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection

from caching.jobs.lock import lock_key
from products.models import Category, Product, ProductStatus, ProductViews

pytestmark = pytest.mark.django_db

HEADER = "store,item_id,name,category,unavailable,price\n"
MAPPING = {"source": "toys", "columns": {"title": "name", "price": "price"}, "id": {"columns": ["sku"]}}


@pytest.fixture
def groceries(tmp_path: Path):
    """Return a function that writes a grocery file from lines without their header."""

    def write(*rows: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "groceries.csv"
        path.write_bytes((HEADER + "".join(row + "\n" for row in rows)).encode(encoding))
        return path

    return write


def run(path: Path, **options: Any) -> str:
    out = StringIO()
    call_command("import_catalogue", path, quiet=True, stdout=out, **options)
    return out.getvalue()


def counts(output: str) -> dict[str, int]:
    lines = [line.strip().split("  ", 1) for line in output.splitlines() if line.startswith("  ")]
    return {name: int(count.replace(",", "")) for count, name in lines}


def titles() -> list[str]:
    return list(Product.objects.order_by("id").values_list("title", flat=True))


def test_rows_become_products_of_their_shops_with_categories_and_counters(groceries) -> None:
    output = run(groceries("billa,1,Ben &amp; Jerry&#39;s,A0,0,5.99", "spar,1,Brot,,0,3.6465"))

    ice, bread = Product.objects.order_by("id")
    assert (ice.title, ice.price, ice.currency, ice.category.slug) == (
        "Ben & Jerry's", Decimal("5.99"), "EUR", "a0",
    )  # fmt: skip
    assert (bread.price, bread.category.slug, bread.source_id) == (Decimal("3.65"), "other", "spar:1")
    assert ice.seller.username == "heissepreise-billa"
    assert not ice.seller.has_usable_password()
    assert bread.created_at > ice.created_at
    assert ProductViews.objects.filter(views=0).count() == 2
    assert counts(output) == {"created": 2, "updated": 0, "unchanged": 0, "price was rounded to cents": 1}


def test_bad_rows_are_reported_with_line_and_reason_and_the_rest_is_imported(groceries, tmp_path: Path) -> None:
    path = groceries(
        "billa,1,Milk,A0,0,0",
        "billa,2,Bread,A0,0,2",
        "billa,3,Wine,A0,0,",
        "billa,4,,A0,0,2",
        "billa,5,Tea,A0,0,2,what",
        "billa,6,Jam,A0,1,2",
    )
    report = tmp_path / "report.ndjson"
    output = run(path, report=report)

    assert titles() == ["Bread"]
    reported = [json.loads(line) for line in report.read_text().splitlines()]
    assert [(entry["line"], entry["kind"], entry["reason"]) for entry in reported] == [
        (2, "rejected", "price is 0: unknown price"),
        (4, "rejected", "price is missing"),
        (5, "rejected", "title is empty"),
        (6, "rejected", "row is malformed"),
        (7, "skipped", "not available at its source"),
    ]
    assert "rejected line 2: price is 0: unknown price" in output
    assert counts(output)["rejected: price is missing"] == 1


def test_a_price_that_its_currency_does_not_have_is_reported_with_its_line(groceries, tmp_path: Path) -> None:
    # Given a file whose prices are not all whole
    path = groceries("billa,1,Tea,A0,0,1200.00", "billa,2,Pot,A0,0,1200.50", "billa,3,Cup,A0,0,800.000")
    report = tmp_path / "report.ndjson"

    # When
    output = run(path, currency="JPY", report=report)

    # Then
    reported = [json.loads(line) for line in report.read_text().splitlines()]
    assert list(Product.objects.order_by("id").values_list("title", "price")) == [("Tea", 1200), ("Cup", 800)]
    reason = "price has digits that its currency lacks"
    assert reported == [
        {"line": 3, "kind": "rejected", "reason": reason, "detail": "1200.50: JPY has no smaller unit than 1."}
    ]
    assert counts(output)[f"rejected: {reason}"] == 1


def test_a_price_that_was_rounded_is_reported_with_its_line(groceries, tmp_path: Path) -> None:
    report = tmp_path / "report.ndjson"

    run(groceries("billa,1,Milk,A0,0,1.10", "billa,2,Bread,A0,0,3.6465"), report=report)

    reported = {"line": 3, "kind": "note", "reason": "price was rounded to cents", "detail": "Bread"}
    assert [json.loads(line) for line in report.read_text().splitlines()] == [reported]


def test_the_first_of_a_repeated_id_wins_and_shops_are_apart(groceries) -> None:
    path = groceries("billa,1,First,A0,0,1", "spar,1,Other shop,A0,0,2", "billa,1,Second,A0,0,3")
    for batch_size in (1, 1000):
        output = run(path, batch_size=batch_size)
        assert counts(output)["skipped: same source id as an earlier row"] == 1
    assert titles() == ["First", "Other shop"]


def test_a_rejected_row_does_not_claim_its_id(groceries) -> None:
    run(groceries("billa,1,First,A0,0,0", "billa,1,Second,A0,0,3"))
    assert titles() == ["Second"]


def test_a_broken_byte_costs_its_own_row(groceries) -> None:
    path = groceries("billa,1,Käse,A0,0,1", "billa,2,Tee,A0,0,1", encoding="latin-1")
    assert counts(run(path))["rejected: text is not valid UTF-8"] == 1
    assert titles() == ["Tee"]

    run(path, lenient_encoding=True)
    assert titles() == ["Tee", "K\ufffdse"]


def test_a_second_run_changes_nothing_and_a_changed_row_only_its_product(groceries) -> None:
    run(groceries("billa,1,Milk,A0,0,1", "billa,2,Tea,A0,0,2"))
    before = list(Product.objects.order_by("id").values())

    again = run(groceries("billa,1,Milk,A0,0,1", "billa,2,Tea,A0,0,2"))
    assert counts(again) == {"created": 0, "updated": 0, "unchanged": 2}
    assert list(Product.objects.order_by("id").values()) == before

    changed = run(groceries("billa,1,Milk,A0,0,1.50", "billa,2,Tea,A0,0,2"))
    assert counts(changed) == {"created": 0, "updated": 1, "unchanged": 1}
    milk = Product.objects.get(source_id="billa:1")
    assert (milk.price, milk.created_at, milk.pk) == (Decimal("1.50"), before[0]["created_at"], before[0]["id"])
    assert milk.updated_at > before[0]["updated_at"]


def test_what_was_sold_or_withdrawn_here_does_not_come_back_nor_change_hands(groceries) -> None:
    run(groceries("billa,1,Milk,A0,0,1", "billa,2,Tea,A0,0,2"))
    seller_id = Product.objects.get(source_id="billa:1").seller_id
    Product.objects.filter(source_id="billa:1").update(status=ProductStatus.SOLD)
    Product.objects.filter(source_id="billa:2").update(status=ProductStatus.WITHDRAWN)
    get_user_model().objects.create_user("anna", password="pw", display_name="Anna")

    run(groceries("billa,1,Milk,A0,0,9", "billa,2,Tea,A0,0,9"), seller="anna")

    statuses = Product.objects.order_by("source_id").values_list("status", "seller_id")
    assert list(statuses) == [("sold", seller_id), ("withdrawn", seller_id)]


@pytest.mark.django_db(transaction=True)
def test_readers_see_changed_and_new_products_at_once(groceries, client) -> None:
    # Given a product that is cached, and an id that is cached as missing.
    run(groceries("billa,1,Milk,A0,0,1"))
    milk = Product.objects.get()
    assert client.get(f"/api/v1/products/{milk.pk}/").json()["price"] == "1.00"
    assert client.get(f"/api/v1/products/{milk.pk + 1}/").status_code == 404

    # When an import adds a product under that id, and another one changes the first.
    run(groceries("billa,1,Milk,A0,0,1", "billa,2,Tea,A0,0,2"))
    assert client.get(f"/api/v1/products/{milk.pk + 1}/").json()["title"] == "Tea"
    run(groceries("billa,1,Milk,A0,0,5", "billa,2,Tea,A0,0,2"))

    # Then the next request shows it.
    assert client.get(f"/api/v1/products/{milk.pk}/").json()["price"] == "5.00"


def test_a_dry_run_counts_and_keeps_nothing(groceries) -> None:
    run(groceries("billa,1,Milk,A0,0,1"))
    path = groceries("billa,1,Milk,A0,0,2", "spar,2,Tea,B1,0,2", "spar,3,Jam,B1,0,2", "spar,2,Tea,B1,0,2")
    users = get_user_model().objects.count()

    output = run(path, dry_run=True, batch_size=1)

    assert counts(output) == {
        "created": 2, "updated": 1, "unchanged": 0, "skipped: same source id as an earlier row": 1,
    }  # fmt: skip
    assert "nothing was kept" in output
    assert titles() == ["Milk"]
    assert (Category.objects.count(), get_user_model().objects.count()) == (1, users)


def test_electronics_without_ids_are_distinguished_by_brand_and_picture(tmp_path: Path) -> None:
    phone = {
        "name": "Wall Charger - Black",
        "description": "An &#402;/1.8 lens",
        "brand": "Tzumi",
        "categories": ["Cell Phones", "Chargers"],
        "price": 14.99,
        "image": "https://example.com/1.jpg",
    }
    path = tmp_path / "phones.json"
    others = [{**phone, "image": "https://example.com/2.jpg"}, {**phone, "price": 9.99}]
    path.write_text(json.dumps([phone, *others], indent=1))

    output = run(path)

    assert counts(output)["skipped: same source id as an earlier row"] == 1
    first = Product.objects.order_by("id")[0]
    assert (Product.objects.count(), first.currency, first.category.slug) == (2, "USD", "chargers")
    assert first.description == "An ƒ/1.8 lens"
    assert first.seller.username == "electronics"


def test_a_cut_gzip_is_imported_up_to_the_cut_and_fails(groceries) -> None:
    whole = [f"billa,{number},Thing {number * 7919 % 1000},A0,0,1{number}.99" for number in range(5000)]
    path = groceries(*whole)
    packed = gzip.compress(path.read_bytes())
    path.write_bytes(packed[: len(packed) // 2])

    with pytest.raises(CommandError, match=r"read up to line \d+ only: the gzip file .* cut off"):
        run(path)

    # No half line was taken: the last price is as whole as the others.
    last = Product.objects.order_by("id").last()
    assert last is not None
    number = int(last.source_id.removeprefix("billa:"))
    assert 1000 < number < 4999
    assert (Product.objects.count(), last.price) == (number + 1, Decimal(f"1{number}.99"))


def test_any_other_file_is_read_by_a_mapping_of_its_own(tmp_path: Path) -> None:
    mapping = tmp_path / "toys.json"
    mapping.write_text(json.dumps(MAPPING))
    path = tmp_path / "toys.ndjson"
    path.write_text('{"name": "Car", "price": "3", "sku": 1}\nbroken\n{"name": "Bus", "price": 4.5, "sku": "2"}\n')
    anna = get_user_model().objects.create_user("anna", password="pw", display_name="Anna")

    output = run(path, mapping=str(mapping), seller="anna", currency="CHF")

    assert counts(output)["rejected: row is malformed"] == 1
    assert list(Product.objects.order_by("id").values_list("title", "currency", "seller_id", "source_id")) == [
        ("Car", "CHF", anna.pk, "1"),
        ("Bus", "CHF", anna.pk, "2"),
    ]


def test_a_persons_account_is_never_taken_for_a_shops(groceries) -> None:
    get_user_model().objects.create_user("heissepreise-billa", password="pw", display_name="Eve")
    with pytest.raises(CommandError, match="somebody's account"):
        run(groceries("billa,1,Milk,A0,0,1"))
    assert titles() == []


@pytest.mark.parametrize(
    ("rows", "options", "problem"),
    [
        (["billa,1,Milk,A0,0,0"], {}, "no row of"),
        ([], {}, "no row of"),
        (["billa,1,Milk,A0,0,1"], {"seller": "nobody"}, "no user 'nobody'"),
        (["billa,1,Milk,A0,0,1"], {"mapping": "nothing"}, "no mapping 'nothing'"),
        (["billa,1,Milk,A0,0,1"], {"mapping": "electronics"}, "needs the columns"),
        (["billa,1,Milk,A0,0,1"], {"report": Path("/nonexistent/report")}, "No such file"),
    ],
)
def test_what_cannot_work_is_one_clear_line(
    groceries, rows: Iterable[str], options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(CommandError, match=problem):
        run(groceries(*rows), **options)
    assert titles() == []


def test_a_second_import_of_a_source_is_refused_while_the_first_runs(groceries) -> None:
    path, first = groceries("billa,1,Milk,A0,0,1"), connection.copy()
    try:
        # given a session that imports the source
        with first.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [lock_key("import_catalogue:heissepreise")])
        # when it is imported again, then that is refused
        with pytest.raises(CommandError, match="another import of 'heissepreise' is running"):
            run(path)
        # and after the first has ended it is not
        with first.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
        run(path)
    finally:
        first.close()
    assert titles() == ["Milk"]


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"none\.csv: No such file"):
        run(tmp_path / "none.csv")
