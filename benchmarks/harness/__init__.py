"""What every benchmark needs: a place of its own, a server, load, interleaved rounds, and rows to report."""
