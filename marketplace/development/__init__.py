"""What bin/dev, bin/test and bin/bench run: embedded servers, processes, supervision."""
