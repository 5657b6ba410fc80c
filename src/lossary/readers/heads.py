"""The output layer of a model, read without running it."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

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
    "selu": (-1.76, math.inf),
    "mish": (-0.31, math.inf),
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
        rank: How many axes the output has, the data points' included, or None where that is not known.
        masks: Whether layers leave data points out, of which outputs that have become plain arrays do not tell.
    """

    activation: str
    units: int | None
    layer: str
    framework: str
    caveat: str = ""
    rank: int | None = None
    masks: bool = False

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


# What stays what it is when a mean, a limit or a choice of positions is taken of it.
_BOUNDED = ("softmax", "sigmoid", "hard_sigmoid", "tanh", "softsign")
_INVERSE = {"log_softmax": "softmax", "log_sigmoid": "sigmoid"}


def applied(activation: str, inner: str) -> str:
    """The activation of ``activation(inner(x))``: the outer one, unless it takes back a logarithm."""
    return _INVERSE.get(inner, activation) if activation == "exponential" else activation


def averaged(inner: Head, layer: str) -> Head:
    """The head of means of outputs: averages of probabilities are probabilities, of real numbers real numbers."""
    return kept(inner, layer, ("linear", "relu", "relu6", "softplus", "exponential", *_BOUNDED))


def limited(inner: Head, layer: str) -> Head:
    """The head of outputs that are cut off at limits, such as 1e-6 and 1 - 1e-6."""
    return kept(inner, layer, _BOUNDED)


def kept(inner: Head, layer: str, activations: tuple[str, ...]) -> Head:
    """``inner`` itself, if it is one of these."""
    if inner.activation in activations:
        return inner
    raise unknown_end(layer)


def combined(layer: str, operands: Sequence[Callable[[], Head]], framework: str) -> Head:
    """The head of a sum or product: real numbers, if one operand at least is any real number."""
    for operand in operands:
        try:
            head = operand()
        except UnreadableHeadError:
            continue
        if head.activation == "linear":
            return Head("linear", head.units, layer, framework)
    raise unknown_end(layer)


def unknown_end(layer: str) -> UnreadableHeadError:
    """Of a model whose last step could be anything."""
    return UnreadableHeadError(f"the model ends in {layer!r}, whose range cannot be read from its structure")


def read(model: Any) -> Head:
    """The head of a Keras model, of one of its outputs, or of a torch module.

    Raises:
        UnreadableHeadError: The model's end cannot be told from its structure.
    """
    if isinstance(model, Output):
        return cast(Head, _reader("keras").read(model.model, model.index))
    for framework, kind in (("keras", "Layer"), ("torch", "nn.Module")):
        if sys.modules.get(framework) and isinstance(model, _attribute(sys.modules[framework], kind)):
            return cast(Head, _reader(framework).read(model))
    raise UnreadableHeadError(
        f"{type(model).__name__} is neither a Keras model nor a torch.nn.Module, so its output layer cannot be read"
    )


def _reader(framework: str) -> Any:
    return importlib.import_module(f"{__package__}.heads_{framework}")


def _attribute(module: Any, dotted: str) -> Any:
    for name in dotted.split("."):
        module = getattr(module, name)
    return module
