"""Parts of the HTTP benchmark that have rows of their own."""
