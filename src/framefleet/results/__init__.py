"""The document of a run: assembling, naming, timing and querying it."""
