"""The document: its types, a file for each part, and reading and writing it. Needs nothing but times and errors."""
