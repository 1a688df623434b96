"""What is heard: sound in slices, each classified by AudioSet's classes, joined into events on the video's clock."""
