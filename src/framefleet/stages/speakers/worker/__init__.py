"""What runs on a worker: the models, and the voices of one clip."""
