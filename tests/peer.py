"""A loss beside another library's, or its definition written for PyTorch: values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import lossary
from inputs import BUILTIN, arguments
from lossary.facts.arguments import Role

# Libraries that tests run with; `test_peers_named.py` runs all names of theirs, `make peers` those of all others.
TESTED = ("torch", "keras", "optax", "sklearn", "scipy")
OWNERS = {peer: record for record in BUILTIN for peer in record.peers}


def ours(name: str, **settings: Any) -> Any:
    """The loss of the line that is given for another library's name; ``settings`` are names in the line."""
    return eval(OWNERS[name].line(name), {"lossary": lossary, **settings})


def assert_same(loss: Any, peer: Any, arguments: list[Any], predictions: list[int]) -> None:
    """Values per row and gradients of their sum are those of a function of PyTorch's tensors."""
    tensors = [torch.tensor(x, requires_grad=i in predictions) for i, x in enumerate(arguments)]
    values = peer(*tensors)
    gradients = torch.autograd.grad(values.sum(), [tensors[i] for i in predictions])
    value, slopes = loss.replaced(reduction="none").value_and_grad(*arguments)
    np.testing.assert_allclose(value, values.detach(), rtol=1e-6, atol=1e-12)
    for mine, theirs in zip(slopes if isinstance(slopes, tuple) else (slopes,), gradients, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-12)


@dataclass(frozen=True)
class Peer:
    """How a library is called with what a loss of ours takes, and what its line says besides.

    ``theirs`` takes the arguments in our order, as ``arrays`` of that library; ``ours`` is the line's loss of them, if
    its comment says that something differs.  A number is compared with the mean, several with values per data point.
    """

    theirs: Callable[..., Any]
    ours: Callable[..., Any] | None = None
    shape: tuple[int, ...] = (6, 5)
    settings: dict[str, Any] = field(default_factory=dict)
    draw: Callable[[np.random.Generator, tuple[Any, ...]], Any] = lambda rng, drawn: drawn
    rtol: float = 1e-9
    arrays: str = "torch"
    gradient: bool = True


def value_and_gradients_of_torch(function: Callable[..., Any], arrays: list[Any], at: list[int]) -> Any:
    tensors = [torch.tensor(x, requires_grad=i in at) for i, x in enumerate(arrays)]
    value = function(*tensors)
    gradients = torch.autograd.grad(value.sum(), [tensors[i] for i in at], materialize_grads=True) if at else []
    return value.detach().numpy(), [x.numpy() for x in gradients]


def value_and_gradients_of_jax(function: Callable[..., Any], arrays: list[Any], at: list[int]) -> Any:
    import jax

    with jax.enable_x64(True):
        tensors = [jax.numpy.asarray(x) for x in arrays]
        gradients = jax.grad(lambda *x: function(*x).sum(), at)(*tensors)
        return np.asarray(function(*tensors)), [np.asarray(x) for x in gradients]


def value_and_gradients_of_tensorflow(function: Callable[..., Any], arrays: list[Any], at: list[int]) -> Any:
    import tensorflow as tf

    tensors = [tf.constant(x) for x in arrays]
    with tf.GradientTape() as tape:
        tape.watch([tensors[i] for i in at])
        value = function(*tensors)
    return value.numpy(), [x.numpy() for x in tape.gradient(value, [tensors[i] for i in at])]


def value_of_numpy(function: Callable[..., Any], arrays: list[Any], at: list[int]) -> Any:
    return np.asarray(function(*arrays)), []


RUN = {
    "torch": value_and_gradients_of_torch,
    "jax": value_and_gradients_of_jax,
    "tensorflow": value_and_gradients_of_tensorflow,
    "numpy": value_of_numpy,
}


def _ours(peer: Peer, loss: Any, several: bool) -> Callable[..., Any]:
    made = loss.replaced(reduction="none") if several else loss
    return made if peer.ours is None else lambda *arrays: peer.ours(made, *arrays)


def assert_line(name: str, peer: Peer) -> None:
    """The line that the record gives for this name has the peer's values, and its gradients."""
    record = OWNERS[name]
    line, loss = record.line(name), ours(name, **peer.settings)
    rng = np.random.default_rng(41)
    scale = {flag: True for flag in ("from_logits", "from_logs") if f"{flag}=True" in line}
    drawn = arguments(record, rng, peer.shape, scale)
    if "from_logs" in scale:
        drawn = drawn[0], record.prediction_domain(scale).sample(rng, peer.shape)
    arrays = list(peer.draw(rng, drawn))
    at = [i for i, x in enumerate(record.arguments) if x.role is Role.PREDICTION and peer.gradient]
    theirs, their_slopes = RUN[peer.arrays](peer.theirs, arrays, at)
    values, slopes = RUN[peer.arrays](_ours(peer, loss, theirs.ndim > 0), arrays, at)
    for mine, other in [(values, theirs), *zip(slopes, their_slopes, strict=True)]:
        np.testing.assert_allclose(mine, other, rtol=peer.rtol, atol=peer.rtol * np.abs(other).max())
