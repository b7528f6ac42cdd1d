"""Compute with arrays, whatever they show; numpy and nothing else."""
