"""A made-up catalogue for development: the same products, people and traffic on every machine."""
