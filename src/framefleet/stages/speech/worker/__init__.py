"""The whisper endpoint on a worker."""
