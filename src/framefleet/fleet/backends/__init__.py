"""Backends: the places where requests run."""
