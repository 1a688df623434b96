"""Transcription APIs of OpenAI's kind."""
