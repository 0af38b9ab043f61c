"""One module for each question, measured beside a floor or a peer in the same run: `bin/bench --help`."""
