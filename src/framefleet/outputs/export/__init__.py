"""Exports of a document to formats of other tools: a module per format, listed in `formats`."""
