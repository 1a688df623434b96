"""Detectors that answer a batch of pictures: ONNX Runtime here, Ultralytics on a GPU worker."""
