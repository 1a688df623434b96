"""Faces, detected by CenterFace in this process."""
