"""Draw the kernels of convolutions."""
