"""The output layer of a model, read without running it."""

from __future__ import annotations

import importlib
import math
import sys
from dataclasses import dataclass
from typing import Any

# What each activation can produce; names are those of Keras.
RANGES: dict[str, tuple[float, float]] = {
    "linear": (-math.inf, math.inf),
    "softmax": (0.0, 1.0),
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "log_softmax": (-math.inf, 0.0),
    "log_sigmoid": (-math.inf, 0.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, math.inf),
    "exponential": (0.0, math.inf),
    "elu": (-1.0, math.inf),
    "leaky_relu": (-math.inf, math.inf),
    "gelu": (-0.17, math.inf),
    "silu": (-0.28, math.inf),
}


@dataclass(frozen=True)
class Head:
    """The end of a model.

    Attributes:
        activation: Keras's name of the last activation; ``"linear"`` where there is none.
        units: Length of the last axis of the output, or None where that is not known before a call.
        layer: The layer the activation was found in, for messages.
        framework: ``"keras"`` or ``"torch"``.
        caveat: What could not be read with certainty, or an empty text.
    """

    activation: str
    units: int | None
    layer: str
    framework: str
    caveat: str = ""

    @property
    def range(self) -> tuple[float, float] | None:
        """Smallest and largest output; None for an activation we do not know."""
        return RANGES.get(self.activation)


@dataclass(frozen=True)
class Output:
    """One of the outputs of a Keras model."""

    model: Any
    index: int


class UnreadableHeadError(Exception):
    """The last layer of this model cannot be told; the text says why."""


def read(model: Any) -> Head:
    """The head of a Keras model, of one of its outputs, or of a torch module.

    Raises:
        UnreadableHeadError: The model's end cannot be told from its structure.
    """
    if isinstance(model, Output):
        return _reader("keras").read(model.model, model.index)
    for framework, kind in (("keras", "Layer"), ("torch", "nn.Module")):
        if framework in sys.modules and isinstance(model, _attribute(sys.modules[framework], kind)):
            return _reader(framework).read(model)
    raise UnreadableHeadError(
        f"{type(model).__name__} is neither a Keras model nor a torch.nn.Module, so its output layer cannot be read"
    )


def _reader(framework: str) -> Any:
    return importlib.import_module(f"{__package__}.heads_{framework}")


def _attribute(module: Any, dotted: str) -> Any:
    for name in dotted.split("."):
        module = getattr(module, name)
    return module
