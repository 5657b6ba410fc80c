"""What may stand beside a framework's arrays: NumPy's arrays, as lists do; and what may not be given at all."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytensor.tensor as pt
import pytest
import tensorflow as tf
import torch
from jax.experimental import sparse

import lossary
from lossary import backends
from lossary.backends.numpy import NumpyBackend

PREDICTION = np.array([[0.5, 2.0], [1.0, 4.0]], np.float32)
# Squared errors against zeros, row by row: (0.25 + 4) / 2 and (1 + 16) / 2.
VALUES = [2.125, 8.5]
FRAMEWORKS: dict[str, Callable[[Any], Any]] = {
    "torch": lambda x: torch.tensor(np.asarray(x)),
    "jax": jnp.asarray,
    "tensorflow": tf.constant,
}
EACH = pytest.mark.parametrize("framework", FRAMEWORKS)


@pytest.fixture(autouse=True)
def no_warnings() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)  # torch.compile's own.
        yield


@EACH
@pytest.mark.parametrize("loss", [lossary.MeanSquaredError(), lossary.get(lambda y, p: (p - y) ** 2)])
def test_numpy_joins_any_framework(framework: str, loss: Any) -> None:
    y_true, y_pred = np.zeros((2, 2)), FRAMEWORKS[framework](PREDICTION)
    weights, mask = np.array([2.0, 5.0]), np.array([True, False])
    value = loss(y_true, y_pred, sample_weight=weights, where=mask)
    assert backends.owner(value) is backends.owner(y_pred)
    assert "float32" in str(value.dtype)
    assert float(np.asarray(value)) == 2 * VALUES[0]
    value, gradient = lossary.value_and_grad(loss)(y_true, y_pred)
    assert float(np.asarray(value)) == sum(VALUES) / 2
    np.testing.assert_array_equal(np.asarray(gradient), PREDICTION / 2)
    # The other way round the framework computes too.
    assert backends.owner(loss(y_pred, y_true)) is backends.owner(y_pred)


@EACH
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64", ">i4"])
def test_labels_of_numpy_stay_whole_numbers(framework: str, dtype: str) -> None:
    labels = np.array([1, 0], dtype)[::-1]
    values = lossary.sparse_categorical_crossentropy(labels, FRAMEWORKS[framework](np.array([[0.5, 0.5], [0.2, 0.8]])))
    np.testing.assert_allclose(np.asarray(values), [-np.log(0.5), -np.log(0.8)], rtol=1e-6)


@EACH
def test_arrays_that_a_framework_takes_no_view_of(framework: str) -> None:
    frozen = np.zeros((2, 2))
    frozen.flags.writeable = False
    y_pred = FRAMEWORKS[framework](PREDICTION)
    others = (frozen, np.zeros((2, 2))[::-1, ::-1], np.zeros((2, 2), ">f8"), np.zeros((2, 2), ml_dtypes.bfloat16))
    for y_true in others:
        np.testing.assert_array_equal(np.asarray(lossary.mean_squared_error(y_true, y_pred)), VALUES)


def test_numpy_inside_compiled_programs() -> None:
    loss, y_true = lossary.MeanSquaredError(), np.zeros((2, 2))
    expected = sum(VALUES) / 2
    assert float(jax.jit(lambda p: loss(y_true, p))(jnp.asarray(PREDICTION))) == expected
    assert float(tf.function(lambda p: loss(y_true, p))(tf.constant(PREDICTION))) == expected
    torch.compiler.reset()
    step = torch.compile(loss, fullgraph=True, backend="aot_eager")
    assert float(step(y_true, torch.tensor(PREDICTION))) == expected


def test_numpy_goes_where_the_framework_s_array_lies() -> None:
    there = torch.zeros(2, 2, device="meta")
    assert lossary.mean_squared_error(np.zeros((2, 2)), there).is_meta
    assert lossary.mean_squared_error(there, np.zeros((2, 2))).is_meta
    assert lossary.mean_squared_error(there, [[0.0, 0.0], [0.0, 0.0]]).is_meta


def test_autograd_keeps_what_numpy_held() -> None:
    y_true, y_pred = np.zeros((1, 1)), torch.ones(1, 1, requires_grad=True)
    value = lossary.mean_squared_error(y_true, y_pred)
    y_true[:] = 100.0
    value.backward()
    assert y_pred.grad is not None
    assert y_pred.grad.item() == 2.0


@pytest.mark.parametrize("y_true", [np.array([[3_000_000_000]]), [[3_000_000_000]]])
def test_whole_numbers_beyond_32_bits_reach_jax(y_true: Any) -> None:
    assert float(lossary.MeanSquaredError()(y_true, jnp.array([[3e9]]))) == 0.0


@EACH
@pytest.mark.parametrize(
    "y_true", [np.array([["a", "b"]]), np.ma.zeros((1, 2)), np.zeros((1, 2), complex), np.array([[None, 1.0]])], ids=str
)
def test_what_numpy_holds_must_be_numbers_too(framework: str, y_true: Any) -> None:
    with pytest.raises(lossary.DTypeError, match="mean_squared_error: y_true"):
        lossary.mean_squared_error(y_true, FRAMEWORKS[framework](PREDICTION[:1]))


def test_a_new_backend_needs_no_text_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Array:
        pass

    class Plain(NumpyBackend):
        name, noun = "plain", ""

        def owns(self, value: Any) -> bool:
            return isinstance(value, Array)

    monkeypatch.setitem(backends._by_type, Array, Plain())
    with pytest.raises(lossary.BackendError, match="y_true is an array of plain and y_pred is a JAX array"):
        lossary.mean_squared_error(Array(), jnp.zeros(2))


MET = {
    "torch": torch.zeros(2, requires_grad=True),
    "jax": jnp.zeros(2),
    "tensorflow": tf.zeros(2),
    "pytensor": pt.vector(),
}


@pytest.mark.parametrize(("first", "second"), itertools.permutations(MET, 2))
def test_the_line_that_converts_one_of_two_frameworks_runs(first: str, second: str) -> None:
    arguments = {"y_true": MET[first], "y_pred": MET[second]}
    with pytest.raises(lossary.BackendError) as caught:
        lossary.mean_squared_error(**arguments)
    exec(str(caught.value).rpartition("Convert one of them: ")[2], {"numpy": np}, arguments)
    assert backends.owner(lossary.mean_squared_error(**arguments)).name in (first, second)


# --- what is no dense array -----------------------------------------------------------------------------------------

EYE = torch.eye(2)


def nested(layout: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=layout)


STRANGE: dict[str, tuple[Callable[[], Any], str]] = {
    "nested": (lambda: nested(torch.strided), "torch.nested.to_padded_tensor(y_pred, 0.0)"),
    "jagged": (lambda: nested(torch.jagged), "torch.nested.to_padded_tensor(y_pred, 0.0)"),
    "sparse COO": (EYE.to_sparse, "y_pred.to_dense()"),
    "sparse of TensorFlow": (lambda: tf.sparse.from_dense([[1.0, 0.0]]), "tf.sparse.to_dense(y_pred)"),
    "sparse of JAX": (lambda: sparse.BCOO.fromdense(jnp.eye(2)), "y_pred.todense()"),
}


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("loss", [lossary.mean_squared_error, lossary.MeanSquaredError(), lossary.get(lambda y, p: p)])
def test_what_is_no_dense_array_is_named_with_the_line_that_makes_one(name: str, loss: Any) -> None:
    make, line = STRANGE[name]
    array = make()
    with pytest.raises(lossary.DTypeError, match=r"accepted are dense arrays|is not an array of numbers") as caught:
        loss(array, array)
    assert f"Write y_pred = {line}" in str(caught.value)
    dense = eval(line, {"y_pred": array, "torch": torch, "tf": tf})
    assert float(np.asarray(lossary.MeanSquaredError()(dense, dense))) == 0.0


def test_a_tensor_of_unknown_rank() -> None:
    # A name of its own, as AutoGraph words errors of what it rewrites anew.
    step = tf.function(lossary.mean_squared_error, input_signature=[tf.TensorSpec(None)] * 2, autograph=False)
    with pytest.raises(lossary.DTypeError, match=r"unknown rank; accepted .* y_pred = tf.ensure_shape\(y_pred"):
        step(tf.zeros((1, 2)), tf.zeros((1, 2)))


class Model(torch.nn.Module):
    def forward(self, y_true: Any, y_pred: Any) -> Any:
        return lossary.MeanSquaredError()(y_true, y_pred)


def test_symbols_of_torch_fx() -> None:
    with pytest.raises(lossary.DTypeError, match=r"Write torch.export.export\(model, \(y_true, y_pred\)\)"):
        torch.fx.symbolic_trace(Model())
    program = torch.export.export(Model(), (EYE, EYE.clone()))
    assert program.module()(EYE, EYE + 2).item() == 4.0
