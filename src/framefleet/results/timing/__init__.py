"""Where a run's time went, and what would make it faster."""
