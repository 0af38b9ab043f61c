"""Imports catalogues: read as a stream, cleaned row by row, written batch by batch."""
