"""Recorded traffic, replayed: a trace of product views sent again, to the API or straight to the service."""
