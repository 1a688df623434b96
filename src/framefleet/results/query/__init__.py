"""Queries on a document."""
