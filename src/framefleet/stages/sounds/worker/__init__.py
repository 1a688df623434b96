"""The worker's side of the ast endpoint."""
