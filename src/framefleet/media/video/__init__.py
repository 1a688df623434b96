"""Video: choosing the frames to decode, decoding and converting them."""
