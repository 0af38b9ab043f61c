"""Telling events of offers to people outside: the backends, and the job that hands events to one of them."""
