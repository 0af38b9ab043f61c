"""The WSGI entry point that the web server imports once in each of its processes."""

from __future__ import annotations

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

application = get_wsgi_application()

# What start-up built lives for ever: taking it out of the collector's sight keeps its pauses out of the p99.
gc.collect()
gc.freeze()
