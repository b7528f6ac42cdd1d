"""Train a small network on real pictures and watch it learn in TensorBoard."""

from __future__ import annotations

import argparse
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbviz.backend import chosen_backend, require_backend
from tbviz.cli.arguments import positive, share, whole
from tbviz.cli.console import quiet_libraries, say
from tbviz.cli.server import Server

if TYPE_CHECKING:
    from tbviz.demo.dataset import Dataset

_BATCH = 32
_SEED = 7


def add_parser(commands: Any) -> None:
    """Add `demo` and its options to the subcommands of `argparse`."""
    parser = commands.add_parser(
        "demo",
        help="train a small network on ten photographs and watch it learn",
        description=__doc__,
    )
    parser.add_argument(
        "--epochs", type=positive, default=12, help="epochs to train (default: %(default)s)"
    )
    parser.add_argument(
        "--log-dir",
        type=Path,
        default=Path("logs/demo"),
        help="directory to log to (default: %(default)s)",
    )
    parser.add_argument(
        "--port", type=_port, default=None, help="TensorBoard's port (default: 6006 or a free one)"
    )
    parser.add_argument("--no-serve", action="store_true", help="train only, without TensorBoard")
    parser.add_argument(
        "--digits",
        action="store_true",
        help="train on MNIST digits (Keras downloads them once) instead of photographs",
    )
    parser.add_argument(
        "--max-overhead",
        type=share,
        default=None,
        metavar="SHARE",
        help="share of training time that snapshots may take, such as 0.05 (default: no limit)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train with `Monitor` and serve TensorBoard until the user presses Ctrl-C."""
    require_backend("tbviz demo")
    run_dir = options.log_dir / ("digits" if options.digits else "photographs")
    if (run_dir / "plugins" / "tbviz").is_dir():
        say(f"{run_dir} already has a run; this one becomes its next segment")
    if options.no_serve:
        train(run_dir, options.epochs, digits=options.digits, max_overhead=options.max_overhead)
        say(f"to view it: tensorboard --logdir {options.log_dir}")
        return 0
    with Server(options.log_dir, options.port) as server:
        train(run_dir, options.epochs, digits=options.digits, max_overhead=options.max_overhead)
        say(f"training is done; {server.url} is served until you press Ctrl-C")
        server.wait()
    return 0


def train(run_dir: Path, epochs: int, *, digits: bool, max_overhead: float | None = None) -> None:
    """Train the demo's network; the same arguments give the same weights.

    Args:
        run_dir: The directory of TensorBoard's curves and of the pictures.
        epochs: The number of epochs.
        digits: Whether to train on MNIST digits instead of photographs.
        max_overhead: Share of training time that snapshots may take. Defaults to None: no limit.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    say(f"loading Keras on {chosen_backend()}")
    with quiet_libraries():
        import keras

    from tbviz.cli.progress import Progress
    from tbviz.demo import digits as mnist
    from tbviz.demo import network, photographs

    say("loading the images")
    dataset = mnist.load() if digits else photographs.load()
    say(
        f"{len(dataset.train_images)} training images, {len(dataset.validation_images)} "
        f"validation images, {len(dataset.probe_images)} probe images"
    )
    keras.utils.set_random_seed(_SEED)
    model = network.build(dataset)
    say("epoch 1 takes longer, because the network and the callbacks are compiled")
    model.fit(
        dataset.train_images,
        dataset.train_labels,
        batch_size=_BATCH,
        epochs=epochs,
        validation_data=(dataset.validation_images, dataset.validation_labels),
        callbacks=[
            # It needs TensorFlow; without it, Monitor still logs the curves of the tab.
            *([keras.callbacks.TensorBoard(str(run_dir))] if find_spec("tensorflow") else []),
            *demo_callbacks(run_dir, dataset, max_overhead),
            Progress(say),
        ],
        verbose=0,
    )


def demo_callbacks(run_dir: Path, dataset: Dataset, max_overhead: float | None = None) -> list[Any]:
    """Return the demo's callbacks: `Monitor`, and expensive ones at every second epoch."""
    import tbviz

    names: dict[str, Any] = {
        "labels": dataset.probe_labels,
        "class_names": dataset.class_names,
    }
    rarely: dict[str, Any] = {
        "schedule": tbviz.every(epochs=2),
        "class_names": dataset.class_names,
    }
    methods = ("gradients", "integrated-gradients")
    return [
        tbviz.Monitor(run_dir, dataset.probe_images, max_overhead=max_overhead, **names),
        tbviz.Saliency(
            run_dir, dataset.probe_images, dataset.probe_labels, method=methods, **rarely
        ),
        tbviz.ClassMaximization(run_dir, **rarely),
    ]


def _port(text: str) -> int:
    number = whole(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"received {text}, expected a port from 1 to 65535")
    return number
