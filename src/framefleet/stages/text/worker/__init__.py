"""The ocr endpoint on a worker."""
