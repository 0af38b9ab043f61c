"""The parts of the `offers` benchmark: offers by the million, the processes that expire them, the measurements."""
