"""The ast endpoint on a worker."""
