"""How an entry is stored in Redis: policy, envelope, codec and dictionaries, the store, the journal and erasure."""

from __future__ import annotations
