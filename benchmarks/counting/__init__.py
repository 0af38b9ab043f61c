"""The parts of the `counters` benchmark: what it counts, who counts and flushes, and what is asked of both."""
