"""The same answers given in other ways, on the same server: the floor, and a conventional DRF API."""
