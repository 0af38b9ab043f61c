"""Guarantees of an import for any file: bounded memory, whole batches, no row that breaks it."""

from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from products.importing.report import Report
from products.importing.run import Options, import_catalogue
from products.models import Product, ProductViews

HEADER = ["store", "item_id", "name", "category", "unavailable", "price"]
_READ = """
import sys, tracemalloc
from pathlib import Path
from products.importing.cleaning import Cleaner
from products.importing.formats import Table
from products.importing.mappings import named
from products.importing.source import SourceFile
tracemalloc.start()
with SourceFile(Path(sys.argv[1])) as source:
    cleaner = Cleaner(named("heissepreise"), currency="EUR")
    for row in Table(source):
        cleaner.item(row)
print(tracemalloc.get_traced_memory()[1])
"""


def write_groceries(path: Path, rows: int) -> None:
    with gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=1) as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(rows):
            writer.writerow(["billa", number, f"Thing number {number} " * 4, "A0", "0", "1.99"])


def peak_of_reading(path: Path) -> int:
    """Return the most bytes that reading a file takes, in a process that does nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", _READ, path],
        capture_output=True,
        text=True,
        cwd=settings.BASE_DIR,
        timeout=240,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    small, large = tmp_path / "small.gz", tmp_path / "large.gz"
    write_groceries(small, 12_000)
    write_groceries(large, 40_000)
    assert peak_of_reading(large) < peak_of_reading(small) + 300_000 < 4_000_000


@pytest.mark.slow
@pytest.mark.django_db
def test_memory_does_not_grow_with_the_repeated_ids_either(tmp_path: Path) -> None:
    path = tmp_path / "groceries.gz"
    write_groceries(path, 6_000)
    peaks = []
    for _ in range(2):
        tracemalloc.start()
        import_catalogue(path, Options(batch_size=500), report := Report())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert report.unchanged == 6_000
    assert max(peaks) < 12_000_000


_values = st.none() | st.text(max_size=300) | st.integers() | st.floats() | st.booleans() | st.lists(st.text())
_prices = st.sampled_from(["1", 2.5, "3.999"]) | _values


@pytest.mark.django_db
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "name": _values,
                "description": _values,
                "brand": _values,
                "categories": _values,
                "price": _prices,
                "image": _values,
            }
        ),
        min_size=1,
        max_size=12,
    )
)
def test_no_row_whatever_it_holds_is_refused_by_the_database(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    path = tmp_path / "phones.json"
    path.write_text(json.dumps(rows))
    report = Report()
    import_catalogue(path, Options(mapping="electronics"), report)
    assert not report.cut
    assert report.rows == len(rows)
    assert report.rows == report.understood + report.rejected.total()


@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
def test_a_killed_import_leaves_whole_batches_and_the_next_run_completes_it(
    tmp_path: Path, process_env: dict[str, str]
) -> None:
    path = tmp_path / "groceries.gz"
    write_groceries(path, 20_000)
    process = _start_import(path, process_env)
    try:
        deadline = time.monotonic() + 60
        while Product.objects.count() < 1_000:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
    _wait_for_the_lock(deadline)

    left = Product.objects.count()
    assert 0 < left < 20_000
    assert left % 500 == 0
    assert ProductViews.objects.count() == left

    report = Report()
    import_catalogue(path, Options(), report)
    assert (report.unchanged, report.created) == (left, 20_000 - left)
    assert Product.objects.count() == ProductViews.objects.count() == 20_000


def _start_import(path: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "import_catalogue", str(path), "--batch-size", "500", "--quiet"],
        cwd=settings.BASE_DIR,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _wait_for_the_lock(deadline: float) -> None:
    # PostgreSQL notices that a client is gone when it next talks to it, which is after its statement.
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
                " WHERE locktype = 'advisory' AND d.datname = current_database()"
            )
            if cursor.fetchone()[0] == 0:
                return
            assert time.monotonic() < deadline
            time.sleep(0.02)
