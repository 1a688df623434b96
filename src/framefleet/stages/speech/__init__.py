"""What is said: sound cut into clips, each transcribed by Whisper, the words put back on the video's clock."""
