"""What a run is asked to do, and where that is said."""
