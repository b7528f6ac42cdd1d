"""Draw the kernels of convolutions as pictures."""
