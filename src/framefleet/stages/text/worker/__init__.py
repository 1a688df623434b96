"""The worker's side of the ocr endpoint."""
