"""A document in the formats of other tools: one small file a format, listed in `formats`."""
