"""Requests, and the states of the cache they may meet, in which the hit lane and DRF must answer the same."""
