"""Read or change the output of any layer while the model runs once, and leave no trace."""
