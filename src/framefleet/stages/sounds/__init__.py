"""The sounds stage: classifies slices of sound by AudioSet's classes, and joins them into events."""
