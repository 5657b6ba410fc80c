"""Every library that records name beside the tested ones, run: its values and gradients are those of the line.

`make peers` makes the environment for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import lossary
from inputs import BUILTIN, arguments
from libraries import Peer
from libraries.listed import NOT_RUN, PEERS
from lossary.facts.record import Role

OWNERS = {peer: record for record in BUILTIN for peer in record.peers}


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


@pytest.mark.parametrize("name", PEERS)
def test_the_line_gives_the_peers_values_and_gradients(name: str) -> None:
    peer, record = PEERS[name], OWNERS[name]
    line = record.line(name)
    loss = eval(line, {"lossary": lossary, **peer.settings})
    rng = np.random.default_rng(41)
    drawn = arguments(record, rng, peer.shape, {"from_logits": True} if "from_logits=True" in line else {})
    arrays = list(peer.draw(rng, drawn))
    at = [i for i, argument in enumerate(record.arguments) if argument.role is Role.PREDICTION]
    at = at if peer.gradient else []
    theirs, their_slopes = RUN[peer.arrays](peer.theirs, arrays, at)
    ours, slopes = RUN[peer.arrays](_ours(peer, loss, theirs.ndim > 0), arrays, at)
    for mine, other in [(ours, theirs), *zip(slopes, their_slopes, strict=True)]:
        np.testing.assert_allclose(mine, other, rtol=peer.rtol, atol=peer.rtol * np.abs(other).max())


def test_every_name_is_run_or_has_a_reason() -> None:
    """Those of the tested set have their tests, `test_peers_*.py`."""
    tested = ("torch.", "keras.", "optax.", "sklearn.", "scipy.")
    named = {peer for peer in OWNERS if not peer.startswith(tested)}
    assert sorted(named - set(PEERS) - set(NOT_RUN)) == []
    assert sorted((set(PEERS) | set(NOT_RUN)) - named) == []
    assert not set(PEERS) & set(NOT_RUN)
