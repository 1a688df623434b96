"""Files: what they are, what is in them, and their clocks."""
