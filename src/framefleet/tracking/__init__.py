"""The tracker: boxes of a video's frames joined into chains, one for each object. Pure, and no part of any stage."""
