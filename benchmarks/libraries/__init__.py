"""Ours and the peers under the laws: a file for each peer, a file for each law, and what runs one against the other.

Peers live in a virtual environment of their own, which holds nothing else of this project's. So these files import
no more at the top than the standard library and redis-py; a peer imports itself in `start`.
"""
