"""What it costs: before, during and after."""
