"""A made-up catalogue for development: the same products, users and views on every machine."""
