"""Half precision: a reduced loss is a float32 number, gradients and unreduced values have the predictions' dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
import torch

import lossary
from inputs import SETTINGS, Setting, every

Maker = Callable[[Any, str], Any]
MAKERS: dict[str, Maker] = {
    "numpy": lambda x, dtype: x.astype(getattr(ml_dtypes, dtype, dtype)),
    "torch": lambda x, dtype: torch.as_tensor(x).to(getattr(torch, dtype)),
    "jax": jnp.asarray,
    "tensorflow": tf.constant,
}
REDUCTIONS = ["sum_over_batch_size", "mean_with_sample_weight", "sum"]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_reduced_loss_is_float32(make: Maker, dtype: str, reduction: str) -> None:
    """Squares of 1.5 and 2.5, which half precision holds, and sums that it does not."""
    true, pred = make(np.zeros((30000, 2), np.float32), dtype), make(np.full((30000, 2), 1.5, np.float32), dtype)
    loss = lossary.MeanSquaredError(reduction=reduction)
    value, gradient = lossary.value_and_grad(loss)(true, pred)
    expected = 30000 * 2.25 if reduction == "sum" else 2.25
    for found in (value, loss(true, pred)):
        assert "float32" in str(found.dtype)
        assert float(found) == expected
    assert dtype in str(gradient.dtype)
    assert dtype in str(loss.replaced(reduction="none")(true, pred).dtype)
    assert dtype in str(lossary.mean_squared_error(true, pred).dtype)


@pytest.mark.filterwarnings("error")
def test_what_half_precision_does_not_hold_is_infinite_without_a_word() -> None:
    """120000**2, halved by the mean, which float32 holds; the slope is 120000."""
    true, pred = (np.array([[side * 60000.0, 0.0]], np.float16) for side in (-1.0, 1.0))
    value, gradient = lossary.MeanSquaredError().value_and_grad(true, pred)
    assert (float(value), gradient.tolist()) == (7.2e9, [[np.inf, 0.0]])
    assert lossary.mean_squared_error(true, pred).tolist() == [np.inf]
    assert lossary.MeanSquaredError(reduction="none").value_and_grad(true, pred)[0].tolist() == [np.inf]
    assert lossary.grad_and_hess("mean_squared_error")(true, pred)[0].tolist() == [[np.inf, 0.0]]


def test_a_function_of_ones_own_is_reduced_in_float32() -> None:
    loss = lossary.get(lambda y_true, y_pred: (y_true - y_pred)[:, 0] ** 2, reduction="sum")
    value = loss(torch.zeros(30000, 1, dtype=torch.float16), torch.full((30000, 1), 1.5, dtype=torch.float16))
    assert value.dtype == torch.float32
    assert value == 30000 * 2.25


def test_losses_of_batches_add_up() -> None:
    """In bfloat16, with 8 bits, a total of 800 no longer changes by a loss of 2.7."""
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(16, 4)).astype(np.float32) for _ in range(300)]
    total = sum(
        lossary.MeanSquaredError()(torch.zeros(16, 4).bfloat16(), torch.as_tensor(b).bfloat16()) for b in batches
    )
    exact = sum(float(torch.as_tensor(b).bfloat16().double().square().mean()) for b in batches)
    assert float(total) == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("setting", every(SETTINGS), ids=str)
def test_a_scaled_loss_of_half_precision_trains(setting: Setting) -> None:
    """A gradient scaler multiplies by 2**16: the product is finite, and so are the gradients, as those of float32."""
    y_true, y_pred = setting.draw(np.random.default_rng(1), (64, 6))
    true = torch.as_tensor(y_true.astype(np.float32) if setting.has_float_targets else y_true)
    half = torch.as_tensor(y_pred.astype(np.float16)).requires_grad_()
    single = half.detach().float().requires_grad_()
    with torch.autocast("cpu", dtype=torch.float16), lossary.check("shapes"):
        scaled = 2.0**12 * setting.configured()(true, half)
        (2.0**12 * setting.configured()(true, single)).backward()
    scaled.backward()
    assert torch.isfinite(scaled)
    assert half.grad is not None
    assert single.grad is not None
    torch.testing.assert_close(half.grad, single.grad.half())


def test_a_scaler_takes_its_first_step() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(8, 4)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    before = layer.weight.detach().clone()
    with torch.autocast("cpu", dtype=torch.float16):
        loss = lossary.SparseCategoricalCrossentropy(from_logits=True)(torch.arange(16) % 4, layer(torch.randn(16, 8)))
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    assert scaler.get_scale() == 2.0**16
    assert not torch.equal(layer.weight, before)


def test_gradients_in_jax_have_the_dtype_of_the_predictions() -> None:
    loss, y = lossary.MeanSquaredError(), jnp.ones((4, 3), jnp.bfloat16)
    value, gradient = jax.jit(jax.value_and_grad(lambda p: loss(jnp.zeros_like(p), p)))(y)
    assert (value.dtype, gradient.dtype) == (jnp.float32, jnp.bfloat16)
    np.testing.assert_array_equal(gradient.astype(jnp.float32), np.float32(ml_dtypes.bfloat16(1 / 6)))
