"""Jobs: at most one run of each at a time, recorded, within a budget of work."""

from __future__ import annotations
