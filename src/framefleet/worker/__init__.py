"""What the handlers of all endpoints share. An image copies this folder whole."""
