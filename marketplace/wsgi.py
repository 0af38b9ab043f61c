"""The WSGI entry point. `deploy/bin/web` imports it to check the start, and the web server in each of its processes."""

from __future__ import annotations

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from caching import verify
from caching.jobs import prepare

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

application = get_wsgi_application()
verify(production=settings.IS_PRODUCTION)
prepare()

# Objects from start-up live for ever; frozen, they are not scanned by every later collection.
gc.collect()
gc.freeze()
