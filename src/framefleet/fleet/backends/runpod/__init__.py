"""RunPod serverless endpoints."""
