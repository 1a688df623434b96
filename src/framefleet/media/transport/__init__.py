"""How what is decoded gets to whatever answers: as it is within this process, encoded to anywhere else."""
