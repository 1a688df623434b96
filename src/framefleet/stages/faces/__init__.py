"""Where faces are, found by CenterFace in this process."""
