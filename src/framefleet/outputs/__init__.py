"""What is made of a document."""
