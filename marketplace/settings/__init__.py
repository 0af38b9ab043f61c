"""Settings from the environment, one file a concern. `docs/configuration.md` lists every variable."""

from __future__ import annotations

from marketplace.settings.apps import *
from marketplace.settings.caches import *
from marketplace.settings.database import *
from marketplace.settings.events import *
from marketplace.settings.jobs import *
from marketplace.settings.logs import *
from marketplace.settings.market import *
from marketplace.settings.rest import *
from marketplace.settings.security import *
from marketplace.settings.views import *
