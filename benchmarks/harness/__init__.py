"""What every benchmark needs: an own database, a server, load, interleaved rounds, and rows to report."""
