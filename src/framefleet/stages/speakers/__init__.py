"""Who speaks when: voices found in each clip of sound, and joined into people across the clips."""
