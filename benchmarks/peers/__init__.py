"""Peers that give the same answers on the same server: the floor, and a conventional DRF API."""
