"""Read or perturb the output of any layer while the model runs once, and leave no trace."""
