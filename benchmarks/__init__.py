"""One module a question, each answered beside a floor or a peer measured in the same run: `bin/bench --help`."""
