"""Read class scores off a model's output, choose the score to explain, compute its gradients."""
