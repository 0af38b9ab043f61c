"""A crowd of processes that read, write and are killed at random, and a judge that finds their stale reads."""
