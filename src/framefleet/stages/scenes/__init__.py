"""The scenes stage: finds cuts among frames on the client, or reads scenes from a file."""
