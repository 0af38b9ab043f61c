"""Replaying recorded views: the trace, the service, HTTP with a faulty server, and the result."""

from __future__ import annotations

import gzip
import json
import lzma
import threading
from array import array
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from products.cache import load_products, product_views
from products.models import ProductStatus
from products.replay.result import percentile
from products.replay.run import GIVE_UP_AFTER, Replay
from products.replay.targets import HttpTarget
from products.replay.trace import TraceError, measure, read_trace
from tests.factories import ProductFactory

VIEWS = [0, 2, 1, 0, 0, 2]


def binary(numbers: list[int]) -> bytes:
    values = array("i", numbers)
    values.byteswap()
    return values.tobytes()


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "views.trace.xz"
    path.write_bytes(lzma.compress(binary(VIEWS)))
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gzip", "xz"])
@pytest.mark.parametrize("data", [binary(VIEWS), b"0\n2\n1\r\n0\n\n0\n2"], ids=["binary", "text"])
def test_a_trace_is_read_in_every_form(tmp_path: Path, pack, data: bytes) -> None:
    path = tmp_path / "trace"
    path.write_bytes(pack(data))
    assert list(read_trace(path)) == VIEWS
    assert list(read_trace(path, limit=2)) == VIEWS[:2]
    assert measure(path) == (6, 2)


def test_numbers_across_chunks_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "trace.gz"
    path.write_bytes(gzip.compress(binary(list(range(100_001)))[:-1] + b"\x07"))
    assert list(read_trace(path)) == [*range(100_000), 100_000 - 100_000 % 256 + 7]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (binary(VIEWS)[:-1], "cut off"),
        (lzma.compress(binary(VIEWS))[:-9], "cut off"),
        (b"\xff\xff\xff\xff", "negative"),
        (b"1\n99999999999\n", "not a product number"),
        (b"", "no views"),
    ],
)
def test_a_trace_that_is_none_is_one_clear_line(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "trace"
    path.write_bytes(content)
    with pytest.raises(TraceError, match=problem):
        measure(path)


def test_percentiles_are_by_nearest_rank() -> None:
    assert percentile([], 99) == 0.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 50) == 2.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 99) == 4.0


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


class Misbehaving(BaseHTTPRequestHandler):
    """Answers by the product's id: 1 well, 2 with 500, 3 by hanging up after the request has arrived."""

    protocol_version = "HTTP/1.1"
    received: list[str]

    def do_GET(self) -> None:
        self.received.append(self.path)
        if self.path.endswith("/3/"):
            self.close_connection = True
            return
        self.send_response(200 if self.path.endswith("/1/") else 500)
        self.send_header("Cache-Status", "marketplace; hit; detail=stale")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    handler = type("Handler", (Misbehaving,), {"received": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield httpd
        httpd.shutdown()


def test_a_failed_request_is_reported_and_never_repeated(server: ThreadingHTTPServer) -> None:
    url = f"http://127.0.0.1:{server.server_port}"

    result = Replay(iter([0, 1, 2, 0]), [1, 2, 3], lambda: HttpTarget(url), 1).run()

    assert [path[-2] for path in server.RequestHandlerClass.received] == ["1", "2", "3", "1"]
    assert (result.ok, result.other, result.errors, result.stale) == (2, 1, 1, 3)
    assert result.failures == [
        "product 2: HTTP 500",
        "product 3: RemoteDisconnected: Remote end closed connection without response",
    ]


def test_a_target_that_is_away_ends_it_early(tmp_path: Path) -> None:
    target = HttpTarget("http://127.0.0.1:9")
    result = Replay(iter([0] * 10_000), [1], lambda: target, 1).run()
    assert (result.views, result.errors, result.ok) == (GIVE_UP_AFTER, GIVE_UP_AFTER, 0)
    assert "in a row failed" in result.stopped


def test_a_fault_of_the_target_itself_is_not_swallowed() -> None:
    class Broken:
        def send(self, product_id: int) -> Any:
            raise ZeroDivisionError

        def close(self) -> None:
            pass

    with pytest.raises(ZeroDivisionError):
        Replay(iter([0] * 10), [1], Broken, 2).run()


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
