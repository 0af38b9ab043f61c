"""Several processes while Redis is away for one or all of them, or the writer dies before it deletes the entry."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from caching import invalidate, metrics
from caching.models import Invalidation
from caching.readthrough import invalidation
from caching.readthrough.fetch import fetch
from products.cache import products
from products.models import Product
from tests.factories import ProductFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]


def read(pk: int) -> list[str]:
    """Read once; return [title, state]."""
    found = fetch(products, pk)
    assert found.body is not None
    return [json.loads(found.body)["title"], found.state]


def read_until(pk: int, stop: str) -> list[list[Any]]:
    """Read until the file `stop` exists; return [start, title, state] of each read."""
    reads = []
    while not Path(stop).exists():
        reads.append([time.monotonic(), *read(pk)])
        time.sleep(0.001)
    return reads


def write(pk: int, title: str) -> list[float]:
    """Change a title as every writer does; return [when it began, when it returned]."""
    began = time.monotonic()
    with transaction.atomic():
        Product.objects.filter(pk=pk).update(title=title)
        invalidate(products, [pk])
    return [began, time.monotonic()]


def write_and_die(pk: int, title: str) -> None:
    """Change a title, and die between the commit and the deletion of the entry."""
    invalidation.erase = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    write(pk, title)


def stop_after(stop: Path, seconds: float) -> None:
    """Let the readers go on for some seconds, then stop them."""
    time.sleep(seconds)
    stop.touch()


def breaker_opened() -> float:
    """Return how often a breaker of this process opened."""
    (family,) = metrics.BREAKER_OPENED.collect()
    return sum(sample.value for sample in family.samples if sample.name.endswith("_total"))


def first_shown(reads: Sequence[Sequence[Any]], title: str) -> float:
    """Return when the first read began that showed a title; fail if a later read shows another one."""
    shown = [began for began, seen, _ in reads if seen == title]
    assert shown, "it was never answered"
    assert all(seen == title for began, seen, _ in reads if began >= shown[0])
    return float(shown[0])


@pytest.mark.parametrize("how", ["freeze", "refuse"])
def test_a_reader_with_redis_sees_what_a_writer_without_redis_wrote(others, proxy, tmp_path, how):
    # Given a reader with a hit, and a writer whose connection to Redis fails
    product = ProductFactory(title="old")
    (reader,), (writer,) = others(1), others(1, redis_port=proxy.port)
    assert [reader.call(read, product.pk) for _ in range(2)] == [["old", "miss"], ["old", "hit"]]
    writer.call(read, product.pk)
    getattr(proxy, how)()

    # When it writes while the reader reads
    reader.begin(read_until, product.pk, str(tmp_path / "stop"))
    time.sleep(0.7)
    _, answered = writer.call(write, product.pk, "new")
    stop_after(tmp_path / "stop", 1.5)
    proxy.thaw()

    # Then no read that began after the write returned shows the old title, and the reader noticed no outage
    reads = reader.answer()
    assert any(title == "old" and state == "hit" for _, title, state in reads)
    assert [began - answered for began, title, _ in reads if began >= answered and title != "new"] == []
    assert reads[-1][1:] == ["new", "hit"]
    assert reader.call(breaker_opened) == 0
    assert not Invalidation.objects.exists()


def test_a_write_during_a_freeze_is_answered_while_it_lasts_and_leaves_nothing_stale(others, own_redis, tmp_path):
    # Given two processes on a Redis that freezes
    server, port = own_redis
    product = ProductFactory(title="old")
    reader, writer = others(2, redis_port=port)
    for _ in range(2):
        reader.call(read, product.pk)
    server.send_signal(signal.SIGSTOP)

    # When one writes, and the freeze ends while the other reads
    began, answered = writer.call(write, product.pk, "new")
    reader.begin(read_until, product.pk, str(tmp_path / "stop"))
    time.sleep(0.7)
    server.send_signal(signal.SIGCONT)
    thawed = time.monotonic()
    stop_after(tmp_path / "stop", 4)
    reads = reader.answer()

    # Then the write took a timeout and a second, every read shows the new title, and hits are back
    print(f"the write took {answered - began:.2f} s")
    assert answered - began < 5
    assert {title for _, title, _ in reads} == {"new"}
    back = min(when for when, _, state in reads if state == "hit")
    print(f"hits were back {back - thawed:.2f} s after the thaw")
    assert back - thawed < 4
    assert not Invalidation.objects.exists()


def test_what_a_writer_killed_after_its_commit_wrote_is_seen_by_all_within_a_second(others, tmp_path):
    product = ProductFactory(title="old")
    *readers, writer = others(3)
    for reader in readers:
        reader.call(read, product.pk)
        reader.begin(read_until, product.pk, str(tmp_path / "stop"))
    writer.call(read, product.pk)

    writer.begin(write_and_die, product.pk, "new")
    writer.process.join(10)
    assert writer.process.exitcode == -signal.SIGKILL
    died = time.monotonic()
    stop_after(tmp_path / "stop", 2.5)

    for reader in readers:
        late = first_shown(reader.answer(), "new") - died
        print(f"seen {late:.2f} s after the death")
        assert late < 2
    assert not Invalidation.objects.exists()
