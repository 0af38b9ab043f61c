"""The Celery app of a project that configures none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from celery import current_app

from caching.jobs.default_app import app, use_default_app

ROOT = Path(__file__).resolve().parents[3]


def test_it_keeps_its_queue_in_the_redis_of_the_layer_unless_the_settings_say_otherwise(settings):
    assert app.conf.broker_url == settings.CELERY_BROKER_URL
    assert app.conf.broker_transport_options["global_keyprefix"] == "mp:q:"


def test_a_project_with_a_broker_of_its_own_keeps_its_app():
    before = current_app._get_current_object()
    use_default_app()
    assert current_app._get_current_object() is before is not app


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


def printed_by(caching_and_celery: str) -> list[str]:
    """Return what a process of a project with these settings prints of its Celery app."""
    code = f"""
from django.conf import settings
settings.configure(INSTALLED_APPS=["caching"], {caching_and_celery},
                   DATABASES={{"default": {{"ENGINE": "django.db.backends.postgresql"}}}})
import django
django.setup()
from celery import current_app
conf = current_app.conf
print(conf.broker_url, conf.broker_transport_options["global_keyprefix"], conf.task_acks_late)
print(*conf.beat_schedule)
"""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "REDIS", "DATABASE"))}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
