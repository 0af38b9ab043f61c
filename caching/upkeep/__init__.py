"""What operators and start-up ask: clean-up, inventory, statistics, checks."""

from __future__ import annotations
