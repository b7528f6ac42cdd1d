"""The tests' digits where Keras' loader would download MNIST.

As a program, the command line `tbviz` with them: python digits.py demo --digits ...
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "mnist_5k.npz"
TRAINED = 399
"""Digits of each class in the training part, of 500."""


def load_data(path="mnist.npz"):
    """Return the digits as `keras.datasets.mnist.load_data` returns MNIST: ((x, y), (x, y))."""
    with np.load(FILE) as arrays:
        images, labels = arrays["images"], arrays["labels"]
    among_its_class = np.zeros(len(labels), int)
    for digit in range(10):
        among_its_class[labels == digit] = np.arange(np.sum(labels == digit))
    training = among_its_class < TRAINED
    return (images[training], labels[training]), (images[~training], labels[~training])


def main():
    """Run the command line with these digits."""
    from tbviz.cli.console import quiet_libraries
    from tbviz.cli.main import main as tbviz

    with quiet_libraries():
        import keras

    keras.datasets.mnist.load_data = load_data
    return tbviz()


if __name__ == "__main__":
    sys.exit(main())
