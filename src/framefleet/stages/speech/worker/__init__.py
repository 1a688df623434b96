"""The worker's side of the whisper endpoint."""
