"""The annotated video of a document."""
