"""What moves where: detections joined over time into tracks with ids, on the client."""
