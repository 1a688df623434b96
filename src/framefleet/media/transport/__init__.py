"""How decoded frames and sound travel to a worker: unchanged within this process, encoded to anywhere else."""
