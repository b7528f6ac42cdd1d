"""Class scores: how a model's output is read, which score is explained, and its gradients."""
