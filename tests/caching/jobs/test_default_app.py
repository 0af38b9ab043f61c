"""The Celery app of a project that configures none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from celery import current_app

from caching.jobs.default_app import app, layer_app

ROOT = Path(__file__).resolve().parents[3]


def test_it_keeps_its_queue_in_the_redis_of_the_layer_unless_the_settings_say_otherwise(settings):
    assert app.conf.broker_url == settings.CELERY_BROKER_URL
    assert app.conf.broker_transport_options["global_keyprefix"] == "mp:q:"


def test_a_project_with_a_broker_of_its_own_keeps_its_app():
    assert layer_app() is current_app._get_current_object() is not app


@pytest.mark.slow
def test_an_app_of_the_project_that_comes_late_is_that_of_all_threads():
    # Given a project that makes its app after Django was set up, with or without a broker of its own
    late = """
import threading
from celery import Celery, current_app
from caching.jobs.default_app import app, layer_app
before = layer_app() is app
mine = Celery("shop")
seen = []
thread = threading.Thread(target=lambda: seen.append((current_app._get_current_object() is mine, layer_app() is mine)))
thread.start()
thread.join()
print(before, layer_app() is mine, *seen)
"""
    # Then another thread has this app, and not that of the layer
    assert printed_by("CACHING={'URL': 'redis://127.0.0.1:1/5'}", late) == ["True True (True, True)"]


@pytest.mark.slow
def test_the_layers_worker_has_celerys_support_for_django_and_the_tasks_of_the_apps():
    worker = """
from caching.worker import app
from celery import current_app
app.loader.import_default_modules()
print(current_app._get_current_object() is app, app.Task.__mro__[1].__name__)
print(*sorted(name for name in app.tasks if not name.startswith("celery.")))
"""
    assert printed_by("CACHING={'URL': 'redis://127.0.0.1:1/5'}", worker) == [
        "True DjangoTask",
        "caching.tasks.cleanup_old_cache caching.tasks.refresh",
    ]


@pytest.mark.slow
def test_a_project_without_an_app_has_this_one():
    lines = printed_by("CACHING={'URL': 'redis://127.0.0.1:1/5', 'KEY_PREFIX': 'shop'}")
    assert lines == ["redis://127.0.0.1:1/5 shop:q: True", "cleanup_old_cache"]


@pytest.mark.slow
def test_what_the_settings_say_comes_first():
    lines = printed_by(
        "CACHING={'URL': 'redis://127.0.0.1:1/5'},"
        "CELERY_BROKER_URL='redis://127.0.0.1:1/9', CELERY_TASK_ACKS_LATE=False,"
        "CELERY_BEAT_SCHEDULE={'flush': {'task': 'flush', 'schedule': 5.0}}"
    )
    assert lines == ["redis://127.0.0.1:1/9 caching:q: False", "cleanup_old_cache flush"]


SHOWN = """
from caching.jobs.default_app import layer_app
conf = layer_app().conf
print(conf.broker_url, conf.broker_transport_options["global_keyprefix"], conf.task_acks_late)
print(*conf.beat_schedule)
"""


def printed_by(caching_and_celery: str, code: str = SHOWN) -> list[str]:
    """Return what a process of a project with these settings prints."""
    settings = f"""
from types import SimpleNamespace
import sys
sys.modules["shop_settings"] = SimpleNamespace(
    INSTALLED_APPS=["caching"], {caching_and_celery}, SECRET_KEY="x",
    DATABASES={{"default": {{"ENGINE": "django.db.backends.postgresql"}}}})
import django
django.setup()
"""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "REDIS", "DATABASE"))}
    env["DJANGO_SETTINGS_MODULE"] = "shop_settings"
    command = [sys.executable, "-c", settings + code]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
