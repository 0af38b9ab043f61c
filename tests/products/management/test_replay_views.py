"""`replay_views` counts each view of a trace once, by the service or over HTTP, and names what is wrong."""

from __future__ import annotations

import json
import lzma
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from products.cache import load_products, product_views
from products.models import ProductStatus
from tests.factories import ProductFactory
from tests.products.replay.recorded import VIEWS, binary


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "views.trace.xz"
    path.write_bytes(lzma.compress(binary(VIEWS)))
    return path


@pytest.mark.django_db(transaction=True)
def test_every_view_is_counted_once_by_the_service(trace: Path) -> None:
    # Given three available products and one that is not, which gets no number.
    sold = ProductFactory(status=ProductStatus.SOLD)
    products = [ProductFactory() for _ in range(3)]

    result = replay(trace, service=True, concurrency=3)

    assert (result["views"], result["ok"], result["errors"]) == (6, 6, 0)
    assert [live(product.pk) for product in products] == [3, 1, 2]
    assert live(sold.pk) == 0


@pytest.mark.django_db(transaction=True)
def test_too_few_products_are_refused_unless_wrapping(trace: Path) -> None:
    with pytest.raises(CommandError, match="no available products"):
        call_command("replay_views", trace, service=True)
    first, second = ProductFactory(), ProductFactory()
    with pytest.raises(CommandError, match="names 3 products and only 2"):
        call_command("replay_views", trace, service=True)

    replay(trace, service=True, wrap=True)

    assert (live(first.pk), live(second.pk)) == (5, 1)


@pytest.mark.django_db(transaction=True)
def test_the_api_counts_what_is_replayed_over_http(trace: Path, live_server) -> None:
    products = [ProductFactory() for _ in range(3)]

    result = replay(trace, url=live_server.url, concurrency=1)

    assert (result["ok"], result["misses"], result["hits"], result["hit_rate"]) == (6, 3, 3, 0.5)
    assert [live(product.pk) for product in products] == [3, 1, 2]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "problem"),
    [({"url": "ftp://x"}, "is not a URL"), ({"concurrency": 0}, "--concurrency"), ({"limit": 0}, "--limit")],
)
def test_wrong_options_are_one_clear_line(trace: Path, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        call_command("replay_views", trace, **options)


@pytest.mark.django_db
def test_the_exit_code_is_1_if_a_view_was_not_answered_with_200(trace: Path) -> None:
    for _ in range(3):
        ProductFactory()
    out = StringIO()
    with pytest.raises(SystemExit) as exit_info:
        call_command("replay_views", trace, url="http://127.0.0.1:9", quiet=True, stdout=out)
    assert exit_info.value.code == 1
    assert "ConnectionRefusedError" in out.getvalue()


def replay(trace: Path, **options: Any) -> dict[str, Any]:
    out = StringIO()
    call_command("replay_views", trace, json=True, quiet=True, stdout=out, **options)
    return json.loads(out.getvalue())


def live(product_id: int) -> int:
    load = load_products([product_id])
    return product_views.seed({product_id: load.totals[product_id]}, load.applied)[product_id]
