"""The parts of the `counters` benchmark: its data, the processes that count and flush, and the measurements."""
