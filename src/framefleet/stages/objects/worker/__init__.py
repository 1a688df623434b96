"""The worker's side of the yolo endpoint."""
