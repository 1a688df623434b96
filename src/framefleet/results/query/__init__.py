"""Finding things in a document."""
