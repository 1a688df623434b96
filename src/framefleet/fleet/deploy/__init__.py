"""Making endpoints and changing them."""
