"""Audio: decoding onto the video's clock, and cutting into clips."""
