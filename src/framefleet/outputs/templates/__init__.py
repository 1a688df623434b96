"""The page of templates: clusters of videos, and how each is edited."""
