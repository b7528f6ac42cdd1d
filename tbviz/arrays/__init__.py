"""Arrays: what is done to numbers before one knows what they show; numpy and nothing else."""
