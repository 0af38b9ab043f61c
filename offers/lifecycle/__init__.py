"""The life of an offer: its lifetime, its creation, and each transition until it is closed."""

from __future__ import annotations
