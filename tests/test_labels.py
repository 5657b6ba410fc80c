"""What arrays carry besides numbers, what is no array, and arguments that were exchanged: each error names a line."""

from __future__ import annotations

import datetime
import decimal
import re
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pandas as pd
import pint
import polars as pl
import pytest
import scipy.sparse
import tensorflow as tf
import torch
import xarray as xr

import lossary

UNITS = pint.UnitRegistry()
SERIES = pd.Series([1.0, 2.0, 4.0], ["a", "b", "c"])
FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
GRID = xr.DataArray(np.arange(4.0).reshape(2, 2), dims=("t", "x"), coords={"x": [10, 20]})
NAMED = xr.DataArray(SERIES.to_numpy(), coords={"n": SERIES.index.to_numpy()})
LENGTH = np.array([1.0, 2.0]) * UNITS.meter

# What differs, y_true, and a y_pred whose values are the same where labels, dims and units agree.
DIFFERENT = [
    ("labels", SERIES, SERIES.iloc[[2, 0, 1]]),
    ("labels", pd.Series([1.0, 2.0], [1, 0]), pd.Series([2.0, 1.0])),
    ("labels", FRAME, FRAME.iloc[::-1]),
    ("columns", FRAME, FRAME[["b", "a"]]),
    ("columns", pl.DataFrame(FRAME), pl.DataFrame(FRAME[["b", "a"]])),
    ("dims", GRID, GRID.transpose("x", "t")),
    ("labels", GRID, GRID.isel(x=[1, 0])),
    ("labels", SERIES, NAMED[::-1]),
    ("labels", NAMED, SERIES.iloc[::-1]),
    ("labels", FRAME, xr.DataArray(FRAME).isel(dim_1=[1, 0])),
    ("labels", xr.DataArray(FRAME), FRAME[["b", "a"]]),
    ("labels", FRAME.set_axis(["r", "s"]), xr.DataArray(FRAME.set_axis(["r", "s"])).isel(dim_0=[1, 0])),
    ("labels", NAMED, xr.DataArray(NAMED[::-1].to_numpy(), coords=[NAMED.n.to_numpy()[::-1]])),
    ("labels", xr.DataArray(FRAME, dims=("r", "c")), xr.DataArray(FRAME).isel(dim_1=[1, 0])),
    ("dims", GRID, GRID.rename(t="time")),
    ("dims", NAMED, NAMED.rename(n="m").expand_dims(output=[0], axis=1)),
    ("units", LENGTH, LENGTH.to("cm")),
    ("units", xr.DataArray(LENGTH, dims="x"), xr.DataArray(LENGTH.to("cm"), dims="x")),
    ("units", xr.DataArray(LENGTH, dims="x"), LENGTH.to("cm")),
]


@pytest.mark.parametrize(("kind", "y_true", "y_pred"), DIFFERENT, ids=lambda x: x if isinstance(x, str) else "")
def test_the_line_aligns_them(kind: str, y_true: Any, y_pred: Any) -> None:
    for loss in (lossary.MeanSquaredError(), lossary.mse, lossary.get(lambda t, p: (t - p) ** 2)):
        with pytest.raises(lossary.ShapeError, match=f"the {kind} of y_true and y_pred differ: .*Write") as caught:
            loss(y_true, y_pred)
        scope = {"y_true": y_true, "y_pred": y_pred}
        exec(str(caught.value).split("Write ")[1], scope)
        assert np.asarray(loss(scope["y_true"], scope["y_pred"])).sum() == 0.0


def test_weights_are_labelled_too() -> None:
    with pytest.raises(
        lossary.ShapeError, match=r"the labels of y_true and sample_weight differ.*\.loc\[y_true\.index\]"
    ):
        lossary.MeanSquaredError()(SERIES, SERIES.to_numpy(), SERIES.iloc[::-1])


def test_parts_of_a_prediction_and_weights_of_a_constant_are_labelled_too() -> None:
    mean = SERIES.iloc[::-1]
    with pytest.raises(lossary.ShapeError, match=r"labels of y_true and y_pred's mean differ") as caught:
        lossary.gaussian_nll(SERIES, (mean, SERIES))
    scope = {"y_true": SERIES, "mean": mean}
    exec(str(caught.value).split("Write ")[1], scope)
    assert scope["mean"].equals(SERIES)
    with pytest.raises(lossary.ShapeError, match="the labels of y_true and sample_weight differ"):
        lossary.MeanSquaredError().best_constant(SERIES, SERIES.iloc[::-1])


def test_units_that_do_not_fit() -> None:
    bare = [1.0, 2.0], np.array([1.0, 2.0]), torch.tensor([1.0, 2.0])
    for y_true, y_pred in (
        (LENGTH, LENGTH.magnitude * UNITS.second),
        (xr.DataArray(LENGTH, dims="x"), LENGTH.magnitude),
        *((LENGTH, numbers) for numbers in bare),
        *((numbers, LENGTH) for numbers in bare),
    ):
        with pytest.raises(lossary.ShapeError, match="the units of y_true and y_pred differ") as caught:
            lossary.mse(y_true, y_pred)
        scope = {"y_true": y_true, "y_pred": y_pred}
        exec(str(caught.value).split("Write ")[1], scope)
        assert lossary.mse(scope["y_true"], scope["y_pred"]) == 0.0


def test_what_agrees_or_says_nothing_is_read_by_position() -> None:
    shuffled = pd.Series([1.0, 2.0, 4.0], [7, 3, 5])
    agree: list[tuple[Any, Any]] = [(SERIES, SERIES), (GRID, GRID), (LENGTH, LENGTH), (SERIES, SERIES.to_numpy())]
    agree += [(SERIES, NAMED), (NAMED, SERIES), (GRID, xr.DataArray(GRID.to_numpy())), (FRAME, xr.DataArray(FRAME))]
    agree += [(pd.Series([1.0, 2.0]), xr.DataArray([1.0, 2.0], coords={"x": [10, 20]}))]
    agree += [(shuffled, SERIES.reset_index(drop=True)), (FRAME, FRAME.rename(columns={"a": "p", "b": "q"}))]
    for y_true, y_pred in agree:
        assert lossary.MeanSquaredError()(y_true, y_pred) == 0.0
    with pytest.raises(lossary.ShapeError, match=r"the labels .* differ: 'a' at position 0 in y_true, 'b' in y_pred"):
        lossary.mse(SERIES, SERIES.set_axis(["b", "c", "d"]))


# What is no array of numbers, and the numbers that its line gives.
NO_ARRAYS: list[tuple[Any, Any]] = [
    (["1", "2"], [1.0, 2.0]),
    (np.array(["cat", "ape"]), [1, 0]),
    (scipy.sparse.csr_matrix([[1.0, 2.0]]), [[1.0, 2.0]]),
    ({"out": [1.0, 2.0]}, [1.0, 2.0]),
    ({}.values(), []),
    (map(float, [1, 2]), [1.0, 2.0]),
    ((float(n) for n in (1, 2)), [1.0, 2.0]),
    ({2.0, 1.0}, [1.0, 2.0]),
    (pl.LazyFrame({"a": [1.0, 2.0]}), [[1.0], [2.0]]),
    ([datetime.date(2000, 1, 2), datetime.date(2000, 1, 4)], [1.0, 3.0]),
    (np.array(["2000-01-02", "2000-01-04"], "datetime64[D]"), [1.0, 3.0]),
    (pd.Series(pd.to_datetime(["2000-01-02", "2000-01-04"])), [1.0, 3.0]),
    (np.array([1, 2], "timedelta64[m]"), [60.0, 120.0]),
    ([datetime.timedelta(minutes=1), datetime.timedelta(minutes=2)], [60.0, 120.0]),
    (np.array([1, 2], np.longdouble), [1.0, 2.0]),
    ([decimal.Decimal(1), decimal.Decimal(2)], [1.0, 2.0]),
    (pd.Series([1, None], dtype="Int64"), [1.0, np.nan]),
    (tf.sparse.from_dense([[1.0, 2.0]]), [[1.0, 2.0]]),
    (torch.tensor([[1.0, 2.0]]).to_sparse(), [[1.0, 2.0]]),
    (np.array([3.0 + 4.0j]), [5.0]),
]


@pytest.mark.parametrize(("value", "numbers"), NO_ARRAYS, ids=lambda x: type(x).__name__)
def test_remedies_run(value: Any, numbers: Any) -> None:
    if isinstance(value, pd.Series) and value.hasnans and value.dtype == "Int64":
        pytest.skip("pandas itself makes this an array of numbers") if np.asarray(value).dtype.kind == "f" else None
    with pytest.raises(lossary.DTypeError) as caught:
        lossary.mean_squared_error(value, [1.0, 2.0])
    text = str(caught.value)
    found = re.search(r"y_true = [^;]*?(?=, and where=|   #| for seconds|$)", text)
    scope = {"y_true": value, "numpy": np, "tf": tf, "torch": torch}
    if found is None:  # An expression alone.
        scope["y_true"] = eval(text.rsplit(": ", 1)[1], scope)
    else:
        exec(found[0], scope)
    np.testing.assert_array_equal(np.asarray(scope["y_true"]), numbers)


def test_the_remedy_for_ragged_rows_runs() -> None:
    """The mean of (2 - 1)^2, 0 and (5 - 3)^2; nothing is compared where a row has ended."""
    scope = {"tf": tf, "y_true": tf.ragged.constant([[1.0, 2.0], [3.0]]), "y_pred": [[2.0, 2.0], [5.0, 9.0]]}
    with pytest.raises(lossary.DTypeError) as caught:
        lossary.mean_squared_error(scope["y_true"], scope["y_pred"])
    exec(str(caught.value).partition("Write ")[2], scope)
    found = lossary.MeanSquaredError()(scope["y_true"], scope["y_pred"], where=scope["where"])
    assert float(found) == pytest.approx(5.0 / 3.0)


def test_several_outputs_and_things_without_values() -> None:
    rows = torch.ones(2, 3)
    with pytest.raises(lossary.DTypeError, match=r"y_pred is a tuple of 2 arrays.*y_pred\[0\]"):
        lossary.mean_squared_error(rows, (rows, rows))
    with pytest.raises(lossary.DTypeError, match=r"y_pred \(keras KerasTensor\).*model\.compile"):
        lossary.mean_squared_error([1.0], keras.KerasTensor((1,)))
    with pytest.raises(lossary.DTypeError, match=r"dtype object; .*print\(y_true\)$"):
        lossary.mean_squared_error(len, [1.0])
    with pytest.raises(lossary.DTypeError, match=r"RaggedTensor.*to_tensor\(\).*where="):
        lossary.mean_squared_error(tf.ragged.constant([[1.0], [1.0, 2.0]]), tf.ones((2, 2)))
    with pytest.raises(lossary.DTypeError, match=r"to_padded_tensor.*where="):
        lossary.mean_squared_error(torch.nested.nested_tensor([torch.ones(1)], layout=torch.jagged), rows)
    for array, word in ((torch.ones, "torch"), (jnp.ones, "jax.numpy"), (tf.ones, "tf"), (np.ones, "numpy")):
        with pytest.raises(lossary.ShapeError, match=rf" {word}\.broadcast_to\(y_true, \(2, 3\)\)"):
            lossary.MeanSquaredError()(array((1, 3)), array((2, 3)))


@pytest.mark.parametrize("array", [np.asarray, torch.tensor, jnp.asarray, tf.constant])
def test_axes_in_another_order_are_turned(array: Any) -> None:
    last = np.eye(3)[np.arange(40).reshape(2, 4, 5) % 3]
    first = np.moveaxis(last, -1, 1)
    for y_true, y_pred, settings in ((last, first, {"axis": 1}), (first, last, {})):
        scope = {"y_true": array(y_true), "numpy": np, "torch": torch, "jax": jax, "tf": tf}
        with pytest.raises(lossary.ShapeError) as caught:
            lossary.CategoricalCrossentropy()(scope["y_true"], array(y_pred))
        told = str(caught.value).partition("write ")[2]
        assert ("axis=1" in told) == bool(settings)
        exec(told.partition(";")[0], scope)
        np.testing.assert_array_equal(np.asarray(scope["y_true"]), y_pred)
        assert float(lossary.CategoricalCrossentropy(**settings)(scope["y_true"], array(y_pred))) < 1e-6
    scope = {"y_true": array(np.arange(3.0)[None]), "tf": tf}
    with pytest.raises(lossary.ShapeError) as caught:
        lossary.LogCosh()(scope["y_true"], array(np.zeros((3, 1))))
    exec(str(caught.value).partition("write ")[2], scope)
    assert tuple(scope["y_true"].shape) == (3, 1)


def test_classes_along_axis_one() -> None:
    labels, shares = np.zeros((2, 4, 5), int), np.full((2, 3, 4, 5), 1 / 3)
    one_hot = np.moveaxis(np.eye(3)[labels], -1, 1)
    for loss, y_true in (("sparse_categorical_crossentropy", labels), ("categorical_crossentropy", labels),
                         ("categorical_crossentropy", one_hot)):  # fmt: skip
        with pytest.raises(lossary.LossError, match=r"rite .*axis=1") as caught:
            lossary.get(loss)(y_true, shares)
        line = re.search(r"lossary\.\w+\(y_true, y_pred, axis=1\)", str(caught.value))
        assert line is not None
        values = eval(line[0], {"lossary": lossary, "y_true": y_true, "y_pred": shares})
        np.testing.assert_allclose(values, np.full((2, 4, 5), np.log(3.0)))


def test_labels_with_an_axis_for_channels() -> None:
    """A mask that was read as an image of one channel, (N, 1, H, W), and one-hot rows with classes along axis 1."""
    labels, shares = np.arange(40).reshape(2, 1, 4, 5) % 3, np.full((2, 3, 4, 5), 1 / 3)
    one_hot = np.moveaxis(np.eye(3)[labels[:, 0]], -1, 1)
    for loss in ("sparse_categorical_crossentropy", "sparsemax"):
        with pytest.raises(lossary.ShapeError, match=rf"lossary\.{loss}\(y_true, y_pred, axis=1\)$"):
            lossary.get(loss)(labels, shares)
        with pytest.raises(lossary.ShapeError, match=r"argmax\(1\) and axis=1 for classes along axis 1$"):
            lossary.get(loss)(one_hot, shares)
    for given in (labels, one_hot.argmax(1)):
        values = lossary.sparse_categorical_crossentropy(given, shares, axis=1)
        np.testing.assert_allclose(values, np.full((2, 4, 5), np.log(3.0)))


def test_exchanged_arguments() -> None:
    leaf, shares = torch.tensor([[0.2, 0.7]], requires_grad=True), torch.tensor([[0.0, 1.0]])
    losses = [lossary.BinaryCrossentropy(), lossary.bce, lossary.value_and_grad("bce"), lossary.get(lambda t, p: t - p)]
    for loss in (*losses, lossary.BinaryCrossentropy() + lossary.Hinge()):
        with pytest.raises(
            lossary.BackendError, match=r"y_true requires a gradient and y_pred does not.*\(y_true, y_pred\)"
        ):
            loss(leaf, shares)
    with torch.no_grad():
        assert lossary.bce(leaf, shares).shape == (1,)
    assert lossary.bce(leaf, shares, check="off").shape == (1,)
    # Where the order changes nothing there is nothing to say.
    assert lossary.mse(leaf, shares).item() == pytest.approx((0.04 + 0.09) / 2)

    scores, one_hot = np.array([[2.0, -1.0, 0.5]]), np.array([[1.0, 0.0, 0.0]])
    wrong = [(lossary.softmax_cross_entropy, scores, one_hot), (lossary.hinge, scores[0], np.array([1.0, -1.0, 1.0])),
             (lossary.BinaryCrossentropy(from_logits=True), scores, one_hot)]  # fmt: skip
    for loss, first, second in wrong:
        with pytest.raises(lossary.DomainError, match=r"y_pred holds such targets: the order is \(y_true, y_pred\)"):
            loss(first, second)
    with pytest.raises(lossary.ShapeError, match=r"accepted is the order \(y_true, y_pred\)"):
        lossary.sparse_categorical_crossentropy(scores, np.array([0]))


def test_own_functions_that_return_numbers() -> None:
    loss = lossary.get(lambda y_true, y_pred: 0.5)
    assert loss([1.0], [2.0]) == 0.5
    value, gradient = loss.value_and_grad(torch.tensor([1.0]), torch.tensor([float("inf")]))
    assert (value.item(), gradient.tolist()) == (0.5, [0.0])
    total = lossary.get(lambda y_true, y_pred: abs(y_true - y_pred).mean())
    assert total([1.0, 2.0], [2.0, 4.0]) == 1.5
    with pytest.raises(lossary.ShapeError, match=r"one number for the whole batch, which where= .* cannot reach"):
        total([1.0, 2.0], [2.0, 4.0], where=[True, False])
