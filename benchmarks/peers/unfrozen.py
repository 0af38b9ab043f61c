"""The WSGI entry point of the site with everything in the collector's sight again: what `gc.freeze` is worth."""

from __future__ import annotations

import gc

from marketplace.wsgi import application

__all__ = ["application"]

gc.unfreeze()
