"""Where requests run, how they are sent, and what they cost: backends, execution, billing and deployment."""
