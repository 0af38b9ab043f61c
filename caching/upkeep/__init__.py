"""For operators and start-up: clean-up, inventory, statistics, checks."""

from __future__ import annotations
