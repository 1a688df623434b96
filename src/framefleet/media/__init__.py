"""Reading video and sound: probe, sample (pure), decode, audio, encode."""
