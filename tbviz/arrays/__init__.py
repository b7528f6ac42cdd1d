"""Arrays: operations on numbers, whatever they show; numpy and nothing else."""
