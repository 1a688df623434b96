"""A stand-in for RunPod's queue on 127.0.0.1, for authors of handlers and for the tests."""
