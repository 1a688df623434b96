"""A run: its plan, the readers that feed its stages, and their results."""
