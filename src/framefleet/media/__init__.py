"""Video and audio input: probing, sampling, decoding and encoding."""
