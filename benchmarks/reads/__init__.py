"""The parts of the `fetch` benchmark: what is compared in one process, and what is done to processes and servers."""
