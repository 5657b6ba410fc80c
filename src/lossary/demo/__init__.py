"""The demonstration: a small convolutional network, trained on real images once for each of several losses.

``python -m lossary.demo huber mean_squared_error`` from a terminal, `run` from Python.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import get, texts
from .._extras import require
from ..scoring import loss_names

if TYPE_CHECKING:
    from ._train import Result

__all__ = ["FIRST", "OTHERS", "run"]

FIRST = "categorical_crossentropy"
OTHERS = ("huber", "mean_squared_error")


def run(
    losses: Sequence[Any] | None = None,
    data: str = "digits",
    data_dir: str | Path | None = None,
    epochs: int | None = None,
    output: str | Path = "demo.png",
) -> list[Result]:
    """Trains the network with categorical crossentropy and then with each of the losses, and compares them.

    Prints Keras's progress and a table of loss, held-out accuracy and seconds; draws the curves into a picture.
    Ctrl-C ends the training and keeps what was trained until then.

    Args:
        losses: Losses besides categorical crossentropy, anything `lossary.get` understands; huber and
            mean_squared_error by default.
        data: ``"digits"`` (scikit-learn's) or ``"fashion-mnist"``.
        data_dir: A folder of IDX files to read instead: ``train-images-idx3-ubyte`` and its three companions, each
            plain or ``.gz``.
        epochs: Passes over the training images; 15 for the digits and 5 for larger images by default.
        output: Where the picture goes.

    Returns:
        One result per loss.

    Raises:
        UnknownLossError: A name is none of a loss; nothing has been trained then.
        ParameterError: A loss takes other arguments than targets and one prediction per class.
        DataError: The images cannot be found or read.
        MissingExtraError: Keras or scikit-learn is not installed.
    """
    chosen = list(dict.fromkeys(get(loss) for loss in (FIRST, *(OTHERS if losses is None else losses))))
    for loss in chosen:
        if not loss.record.is_pair:
            raise texts.not_of_classes(loss.record)
    names = loss_names(chosen)
    if "KERAS_BACKEND" not in os.environ and find_spec("jax") is not None:
        os.environ["KERAS_BACKEND"] = "jax"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    require("keras", "demo", "the demo")
    require("rich", "demo", "the demo")
    require("matplotlib", "demo", "the picture of the demo")
    from . import _data, _report, _train

    images = _data.load(data, None if data_dir is None else Path(data_dir))
    passes = epochs or (15 if images.pixels < 400 else 5)
    _report.announce(images, names, passes)
    results: list[Result] = []
    for name, loss in zip(names, chosen, strict=True):
        result = _train.train(loss, name, images, passes)
        results.append(result)
        if result.stopped:
            break
    _report.summarise(results, images.name, Path(output))
    return results
