"""The parts of the `fetch` benchmark: comparisons in one process, and faults of processes and servers."""
