"""What is seen: pictures in, boxes out. `stage` is the client's side, `handle` the worker's."""
