"""The HTTP face of cached bodies: answers, the hit lane, lists of ids. The only room that knows DRF."""

from __future__ import annotations
