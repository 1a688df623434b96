"""From a finished run to its document."""
