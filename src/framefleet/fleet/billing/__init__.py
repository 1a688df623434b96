"""The cost of a run: before, during and after."""
