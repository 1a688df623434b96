"""Backends: what answers requests."""
