"""A run: the stages chosen, what feeds them, and what came of it."""
