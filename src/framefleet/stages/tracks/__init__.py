"""The tracks stage: joins detections over time into tracks with ids, on the client."""
