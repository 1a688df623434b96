"""The speech stage: sends clips of sound to Whisper, and puts the words back on the video's clock."""
