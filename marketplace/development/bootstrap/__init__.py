"""The stage before a virtual environment exists: standard library only, and no import of the marketplace."""
