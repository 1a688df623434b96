"""The options of a run, and the places where they are set."""
