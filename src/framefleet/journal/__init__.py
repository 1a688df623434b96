"""What has been asked and answered, kept on disk the moment it is known, so that nothing is paid for twice."""
