"""One life of an offer: how long it may be, how it is made, and each transition until it is closed."""

from __future__ import annotations
