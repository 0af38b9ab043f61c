"""The parts of the `offers` benchmark: offers by the million, who expires them, and what is asked of that."""
