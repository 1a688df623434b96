"""Sound: where it is cut, and its samples on the video's clock."""
