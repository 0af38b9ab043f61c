"""A crowd of processes that read, write and are killed at random, and the judge of what its readers were served."""
