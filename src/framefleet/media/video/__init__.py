"""Pictures: which to decode, and decoding them."""
