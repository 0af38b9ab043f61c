"""The codec benchmark as a whole, with tiny numbers, on made-up products and on a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMALL = """
import json
from dataclasses import asdict
from benchmarks.harness.place import own_place
with own_place():
    from benchmarks.codec import Scale, measure
    from products.models import Product
    rows = measure(Scale(products=300, taught=100, pages=3, rounds=1))
    print(json.dumps([Product.objects.count(), [asdict(row) for row in rows]]))
"""
HEADER = "store,item_id,name,category,unavailable,price"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_it_measures_made_up_products_and_those_of_files(process_env: dict[str, str], tmp_path: Path) -> None:
    # Given a catalogue file
    words = ["milk", "bread", "butter", "cheese", "apple", "juice", "coffee"]
    lines = [f"shop,{n},{words[n % 7]} {words[n // 7 % 7]} {n},{n % 5},0,{n % 30}.99" for n in range(300)]
    (tmp_path / "groceries.csv").write_text("\n".join([HEADER, *lines]))
    # When the benchmark runs with tiny numbers
    env = {**process_env, "BENCH_CATALOGUES": os.fspath(tmp_path / "groceries.csv")}
    done = subprocess.run(
        [sys.executable, "-c", SMALL], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    # Then both catalogues have rows for every codec, for pages, for 10 KB and for memory
    assert done.returncode == 0, done.stderr
    left, rows = json.loads(done.stdout)
    names = [row["name"] for row in rows]
    assert len(set(names)) == len(names) == 2 * 13
    assert {name.split()[0] for name in names} == {"made-up", "groceries"}
    saved = {row["name"]: row["measured"] for row in rows if row["unit"] == "%"}
    assert all(value > 20 for name, value in saved.items() if "dictionary" in name)
    assert all(value == 0 for name, value in saved.items() if "raw" in name)
    # And the database is as empty as the next benchmark expects it
    assert left == 0
