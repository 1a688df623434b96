"""Media files: their type, content and clocks."""
