"""The laws and the libraries they are put to: a file for each peer, a file for each law, and what runs them.

Peers have a virtual environment of their own, without this project's requirements. So these files import only the
standard library and redis-py at the top; a peer imports its library in `start`.
"""
