"""What is written: pictures in, lines of text out. `stage` is the client's side, `handle` the worker's."""
