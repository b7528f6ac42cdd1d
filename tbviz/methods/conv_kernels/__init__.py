"""The kernels of convolutions as pictures."""
