"""Replays recorded traffic: sends a trace of product views to the API or straight to the service."""
