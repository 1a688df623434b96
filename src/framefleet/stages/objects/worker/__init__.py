"""The yolo endpoint on a worker."""
