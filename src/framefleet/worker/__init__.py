"""The common code of all endpoints' handlers. A container image copies this whole folder."""
