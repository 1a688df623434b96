"""The objects stage: frames in, boxes out. `stage` is the client's side, `worker` the endpoint's."""
