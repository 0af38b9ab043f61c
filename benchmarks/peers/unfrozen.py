"""The WSGI entry point of the site after `gc.unfreeze`, to measure what `gc.freeze` saves."""

from __future__ import annotations

import gc

from marketplace.wsgi import application

__all__ = ["application"]

gc.unfreeze()
