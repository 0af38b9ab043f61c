"""How one entry lies in Redis: policy, envelope, codec and dictionaries, the store, and what erases it."""

from __future__ import annotations
