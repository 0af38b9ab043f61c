"""A caching layer on Redis in front of PostgreSQL that knows no product, no offer and no user.

The owner of some data declares a `Policy` and a loader in its own `cache.py`; this package does the rest:
read-through with soft and hard TTLs, guarded fills, invalidation after commit, write-behind counters,
an index of deadlines, and jobs of which at most one runs. `docs/caching.md` tells the life of a key.
"""
