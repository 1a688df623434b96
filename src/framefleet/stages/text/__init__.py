"""The text stage: frames in, lines of text out. `stage` is the client's side, `worker` the endpoint's."""
