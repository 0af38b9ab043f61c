"""Requests, and states of the cache, for which the hit lane and DRF must give the same answer."""
