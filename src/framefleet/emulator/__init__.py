"""A stand-in for RunPod's queue on 127.0.0.1, for people who develop handlers and for the tests."""
