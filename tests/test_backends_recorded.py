"""Programs recorded from one batch and run on others: the mean divides by the size of what it is given."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf
import torch

import lossary
from inputs import FEWEST, SETTINGS, Setting, every

ROWS = pytest.mark.parametrize("setting", every(SETTINGS, FEWEST), ids=str)


def batches(setting: Setting, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """A batch to record from, another of other lengths, and NumPy's loss of the latter."""
    first, other = setting.draw(rng, shape=(4, 2)), setting.draw(rng, shape=(7, 5))
    return first, other, setting.configured()(*other)


class Model(torch.nn.Module):
    def __init__(self, loss: Any) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, y_true: Any, y_pred: Any) -> Any:
        return self.loss(y_true, y_pred)


@ROWS
def test_torch_export_and_trace(setting: Setting, rng: np.random.Generator) -> None:
    first, other, expected = batches(setting, rng)
    model, inputs = Model(setting.configured()), tuple(map(torch.tensor, first))
    rows, columns = torch.export.Dim("rows", min=1, max=99), torch.export.Dim("columns", min=2, max=99)
    dynamic = tuple({0: rows, 1: columns} if x.dim() == 2 else {0: rows} for x in inputs)
    exported = torch.export.export(model, inputs, dynamic_shapes=dynamic).module()
    traced = torch.jit.trace(model, inputs, check_trace=False)
    for program in (exported, traced):
        assert float(program(*map(torch.tensor, other))) == pytest.approx(float(expected), rel=1e-12)


def test_weights_in_recorded_programs() -> None:
    loss, weights = lossary.MeanSquaredError(), torch.tensor([1.0, 2.0, 3.0])
    y_true, y_pred = torch.zeros(3, 1), torch.ones(3, 1)
    traced = torch.jit.trace(lambda y, p, w: loss(y, p, sample_weight=w), (y_true[:2], y_pred[:2], weights[:2]))
    assert traced(y_true, y_pred, weights).item() == 2.0


@ROWS
def test_jax_export_with_symbolic_shapes(setting: Setting, rng: np.random.Generator) -> None:
    first, other, expected = batches(setting, rng)
    rows = jax.export.symbolic_shape("rows, columns")
    shapes = [jax.ShapeDtypeStruct(rows[: x.ndim], jnp.asarray(x).dtype) for x in first]
    program = jax.export.export(jax.jit(lossary.value_and_grad(setting.configured())))(*shapes)
    value, gradient = program.call(*map(jnp.asarray, other))
    assert float(value) == pytest.approx(float(expected), rel=1e-5)
    _, slope = lossary.value_and_grad(setting.configured())(*other)
    np.testing.assert_allclose(np.asarray(gradient), slope, rtol=1e-4, atol=1e-6)


@ROWS
def test_tensorflow_with_unknown_lengths(setting: Setting, rng: np.random.Generator) -> None:
    first, other, expected = batches(setting, rng)
    signature = [tf.TensorSpec([None] * x.ndim, x.dtype) for x in first]
    step = tf.function(setting.configured(), input_signature=signature)
    step(*map(tf.constant, first))
    assert float(step(*map(tf.constant, other))) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.costly
def test_graphs_of_tensorflow_1() -> None:
    # There `==` between tensors compares objects.  -log(1/2) for a certain class, by hand.
    program = """
import tensorflow as tf, lossary
tf.compat.v1.disable_eager_execution()
p, s, y = tf.constant([[0.25, 0.5, 0.25]]), tf.constant([[0.0, 1.0, 0.0]]), tf.constant([[0.0, 1.0, 0.0]])
values = [
    lossary.categorical_crossentropy(y, p)[0],
    lossary.sparse_categorical_crossentropy(tf.constant([1]), p)[0],
    lossary.CategoricalCrossentropy(from_logits=True)(y, s),
    lossary.SparseCategoricalCrossentropy(from_logits=True)(tf.constant([1]), s),
    tf.gradients(lossary.CategoricalCrossentropy(from_logits=True)(y, s), s)[0][0, 1],
]
with tf.compat.v1.Session() as session:
    print(*(round(float(x), 4) for x in session.run(values)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    # log 2 twice; log(1 + 2/e) twice; 1/(1 + 2/e) - 1.
    assert done.stdout.split() == ["0.6931", "0.6931", "0.5514", "0.5514", "-0.4239"], done.stderr


@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST[:1]), ids=str)
def test_jax_s_strictest_settings(setting: Setting, rng: np.random.Generator) -> None:
    first, _, _ = batches(setting, rng)
    y_true, y_pred = map(jnp.asarray, first)
    step = jax.value_and_grad(lambda p: setting.configured()(y_true, p, sample_weight=jnp.ones(4)))
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"), jax.debug_nans(True):
        step(y_pred)
        lossary.value_and_grad(setting.configured())(y_true, y_pred)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_a_last_layer_is_recorded_for_any_number_of_tokens(rng: np.random.Generator) -> None:
    hidden, weight = (torch.tensor(rng.normal(size=shape)) for shape in ((5, 4), (7, 4)))
    labels = torch.arange(5)
    traced = torch.jit.trace(lossary.linear_cross_entropy, (labels[:2], hidden[:2], weight))
    expected = torch.nn.functional.cross_entropy(hidden @ weight.T, labels)
    assert float(traced(labels, hidden, weight)) == pytest.approx(float(expected), rel=1e-12)
    bias = rng.normal(size=7).astype(np.float32)
    with jax.numpy_rank_promotion("raise"):
        found = lossary.linear_cross_entropy(*(jnp.asarray(x.numpy()) for x in (labels, hidden, weight)), bias)
    expected = torch.nn.functional.cross_entropy(hidden @ weight.T + torch.tensor(bias), labels)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
