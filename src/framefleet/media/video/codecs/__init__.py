"""Parsing of codec bitstreams, as far as needed."""
