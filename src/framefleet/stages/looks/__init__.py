"""The looks stage: light, colours and motion, measured on the frames that scenes are found in."""
