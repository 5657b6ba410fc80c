"""Every mistake a user makes gets an error of the right kind that names the loss, the argument and the remedy."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytensor.tensor as pt
import pytest
import tensorflow as tf
import torch

import lossary
from inputs import PAIRS, SETTINGS, Setting, every
from lossary import DomainError, DTypeError, ParameterError, ShapeError
from lossary.objects.define import function

Maker = Callable[[Any], Any]
EAGER: dict[str, Maker] = {
    "numpy": np.asarray,
    "torch": lambda x: torch.tensor(np.asarray(x)),
    "jax": lambda x: jnp.asarray(np.asarray(x)),
    "tensorflow": lambda x: tf.constant(np.asarray(x)),
}
ALL = EAGER | {"pytensor": lambda x: pt.as_tensor(np.asarray(x))}

ROWS = np.full((3, 4), 0.25)
ONE_HOT = np.eye(4)[:3]


def says(error: type[Exception], loss: str, *parts: str) -> Any:
    """The error's text holds the loss and then, in this order, the parts."""
    return pytest.raises(error, match=re.escape(loss) + ": .*" + ".*".join(map(re.escape, parts)))


@pytest.fixture(params=EAGER)
def eager(request: pytest.FixtureRequest) -> Maker:
    return EAGER[request.param]


@pytest.fixture(params=ALL)
def array(request: pytest.FixtureRequest) -> Maker:
    return ALL[request.param]


# (call, y_true, y_pred, kind of error, what the text says after the loss's name, in this order)
SHAPES: list[tuple[str, Any, Any, tuple[str, ...]]] = [
    ("mean_squared_error", np.zeros((3, 4)), np.zeros((3, 3)), ("y_true", "(3, 4)", "y_pred (3, 3)", "4 in all")),
    ("huber", np.zeros(3), np.zeros((3, 4)), ("(3,)", "(3, 4)", "one column per output")),
    ("log_cosh", np.zeros((1, 3)), np.zeros((3, 1)), ("(1, 3)", "(3, 1)", "reshape(", "(3, 1))")),
    ("poisson", np.zeros((1, 4)), np.zeros((3, 4)), ("(1, 4)", "(3, 4)", ".broadcast_to(y_true, (3, 4))")),
    ("hinge", np.zeros(5), np.zeros(3), ("(5,)", "(3,)", "same data points")),
    ("cosine_similarity", np.zeros((2, 3, 4)), np.zeros((3, 4)), ("(2, 3, 4)", "(3, 4)", "Nothing is broadcast")),
    (
        "categorical_crossentropy",
        np.asarray([0, 1, 2]),
        ROWS,
        ("y_true", "(3,)", "lossary.sparse_categorical_crossentropy(y_true, y_pred)", "to_categorical(y_true, 4)"),
    ),
    ("categorical_crossentropy", np.asarray([[0], [1], [2]]), ROWS, ("(3, 1)", "to_categorical(y_true, 4)")),
    ("categorical_hinge", np.asarray([0, 1, 2]), ROWS, ("(3,)", "lossary.to_categorical(y_true, 4)")),
    (
        "sparse_categorical_crossentropy",
        ONE_HOT,
        ROWS,
        ("(3, 4)", "lossary.categorical_crossentropy(y_true, y_pred)", "y_true.argmax(-1)"),
    ),
    ("sparse_categorical_crossentropy", np.asarray([0, 1]), ROWS, ("(2,)", "(3, 4)", "(3,) or (3, 1)")),
    ("sparse_categorical_crossentropy", np.zeros((3, 1, 1), int), ROWS, ("(3, 1, 1)", "(3,) or (3, 1)")),
    ("mean_squared_error", np.zeros((0, 0)), np.zeros((0, 0)), ("y_pred", "(0, 0)", "no elements", "Skip empty")),
    ("mean_absolute_error", np.zeros((3, 0)), np.zeros((3, 0)), ("y_pred", "(3, 0)", "no elements")),
]


@pytest.mark.parametrize(("loss", "y_true", "y_pred", "parts"), SHAPES, ids=lambda x: x if isinstance(x, str) else "")
def test_shapes(loss: str, y_true: Any, y_pred: Any, parts: tuple[str, ...], array: Maker) -> None:
    with says(ShapeError, loss, *parts):
        function(loss)(array(y_true), array(y_pred))
    if y_pred.size:
        with says(ShapeError, loss, *parts):
            lossary.value_and_grad(loss)(array(y_true), array(y_pred))


VALUES: list[tuple[str, Any, Any, dict[str, Any], tuple[str, ...]]] = [
    (
        "sparse_categorical_crossentropy",
        [0, -1, 2],
        ROWS,
        {},
        ("y_true[1] is -1", "0 to 3 (4 classes)", "ignore_class=-1"),
    ),
    ("sparse_categorical_crossentropy", [0, 4, 2], ROWS, {}, ("y_true[1] is 4", "0 to 3", "5 units")),
    (
        "sparse_categorical_crossentropy",
        [0, 0.5, 2],
        ROWS,
        {},
        ("y_true[1] is 0.5", "lossary.categorical_crossentropy"),
    ),
    ("sparse_categorical_crossentropy", [[0], [1], [9]], ROWS, {}, ("y_true[2, 0] is 9", "10 units")),
    ("sparse_categorical_crossentropy", [0, np.nan, 2], ROWS, {}, ("y_true[1] is nan", "where=")),
    ("sparse_categorical_crossentropy", [0, 1, 2], ROWS * 8, {}, ("y_pred[0, 0] is 2", "from_logits=True")),
    ("categorical_crossentropy", ONE_HOT, ROWS - 1, {}, ("y_pred[0, 0] is -0.75", "softmax", "from_logits=True")),
    ("categorical_crossentropy", ONE_HOT * 3, ROWS, {}, ("y_true[0, 0] is 3", "distributions", "to_categorical")),
    ("categorical_crossentropy", ONE_HOT + ONE_HOT[::-1], ROWS, {"from_logits": True}, ("y_true",)),
    ("categorical_crossentropy", np.ones((3, 4)), ROWS, {}, ("y_true[0] sums to 4", "binary_crossentropy")),
    ("categorical_crossentropy", np.zeros((3, 4)), ROWS, {}, ("y_true[0] sums to 0", "where=")),
    ("binary_crossentropy", [0.0, 2.0], [0.5, 0.5], {}, ("y_true[1] is 2", "0 or 1", "y_true / 255")),
    ("binary_crossentropy", [0.0, 1.0], [0.5, -3.0], {}, ("y_pred[1] is -3", "sigmoid", "from_logits=True")),
    ("binary_crossentropy", [0.0, -1.0], [0.5, -3.0], {"from_logits": True}, ("y_true[1] is -1", "0 and 1")),
    ("hinge", [1.0, 0.5], [0.5, 0.5], {}, ("y_true[1] is 0.5", "-1 or 1", "2 * y_true - 1")),
    ("squared_hinge", [1, 2], [0.5, 0.5], {}, ("y_true[1] is 2", "-1 or 1")),
    ("poisson", [-1.0, 1.0], [1.0, 1.0], {}, ("y_true[0] is -1", "numbers >= 0", "lossary.huber")),
    ("poisson", [1.0, 1.0], [1.0, -2.0], {}, ("y_pred[1] is -2", "numbers >= 0", "softplus")),
    ("mean_squared_logarithmic_error", [-1.0], [1.0], {}, ("y_true[0] is -1", "numbers >= 0")),
    ("kl_divergence", [[2.0, 0.0]], [[0.5, 0.5]], {}, ("y_true[0, 0] is 2", "[0, 1]", "softmax")),
    ("kl_divergence", [[0.5, 0.5]], [[-5.0, 0.5]], {}, ("y_pred[0, 0] is -5", "[0, 1]", "softmax")),
]


@pytest.mark.parametrize(
    ("loss", "y_true", "y_pred", "parameters", "parts"), VALUES, ids=lambda x: x if isinstance(x, str) else ""
)
def test_values(loss: str, y_true: Any, y_pred: Any, parameters: Any, parts: tuple[str, ...], eager: Maker) -> None:
    y_true, y_pred = eager(y_true), eager(y_pred)
    with says(DomainError, loss, *parts):
        function(loss)(y_true, y_pred, **parameters)
    with says(DomainError, loss, *parts):
        lossary.value_and_grad(lossary.get(loss, **parameters))(y_true, y_pred)
    for mode in ("shapes", "off"):
        assert function(loss)(y_true, y_pred, **parameters, check=mode) is not None


def test_places_are_those_of_the_callers_arrays() -> None:
    y_true, y_pred = np.zeros((2, 3, 4)), np.zeros((2, 3, 4))
    y_pred[1, 2, 3] = -1.0
    for axis in (0, 1, 2, -2):
        with says(DomainError, "poisson", "y_pred[1, 2, 3] is -1"):
            lossary.poisson(y_true, y_pred, axis=axis)
    with says(DomainError, "categorical_crossentropy", "y_true[0, :, 0] sums to 0"):
        lossary.categorical_crossentropy(y_true, np.full((2, 3, 4), 1 / 3), axis=1)
    with says(DomainError, "poisson", "y_true[1] is -1"):
        lossary.Poisson()([1.0, -1.0], [[1.0], [1.0]], where=[[True], [True]])
    with says(DomainError, "sparse_categorical_crossentropy", "y_true[1, 2] is 7"):
        lossary.sparse_categorical_crossentropy([[0, 1, 2], [0, 1, 7]], np.full((2, 4, 3), 0.25), axis=1)


@pytest.mark.parametrize("setting", every(SETTINGS), ids=str)
@pytest.mark.parametrize("argument", ["y_true", "y_pred"])
def test_nan_in_every_loss(setting: Setting, argument: str, eager: Maker, rng: np.random.Generator) -> None:
    arrays = dict(zip(("y_true", "y_pred"), setting.draw(rng), strict=True))
    arrays[argument] = arrays[argument].astype(float)
    arrays[argument].flat[1] = np.nan
    with says(DomainError, setting.record.name, f"{argument}[", "is nan", "where="):
        setting(eager(arrays["y_true"]), eager(arrays["y_pred"]))


@pytest.mark.parametrize(
    ("value", "came"),
    [
        (["a", "b"], "dtype str"),
        (np.asarray(["cat", "dog"]), "dtype str"),
        (np.asarray([object(), 1.0]), "dtype object"),
        (np.asarray([1.0, 2.0]) + 1j, "dtype complex128"),
        (np.asarray(["2020-01-01", "2020-01-02"], "M8[D]"), "dtype datetime64[D]"),
        ({1.0, 2.0}, "(set)"),
        ({"a": 1.0}, "(dict)"),
        ([[1.0, 2.0], [3.0]], "(list) is not an array of numbers"),
        (None, "is None"),
        (np.ma.masked_array([1.0, 2.0], [True, False]), "is a masked array"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
@pytest.mark.parametrize("argument", ["y_true", "y_pred", "sample_weight"])
def test_no_numbers(value: Any, came: str, argument: str) -> None:
    arguments = {"y_true": [1.0, 2.0], "y_pred": [1.0, 2.0], "sample_weight": [1.0, 2.0]} | {argument: value}
    if argument == "sample_weight" and value is None:
        assert lossary.MeanSquaredError()(**arguments) == 0.0
        return
    with says(DTypeError, "mean_squared_error", argument, came, "accepted"):
        lossary.MeanSquaredError()(**arguments)


@pytest.mark.parametrize(
    "complex_array",
    [torch.ones(2, dtype=torch.complex64), jnp.ones(2, jnp.complex64), tf.ones(2, tf.complex64), pt.cvector()],
    ids=["torch", "jax", "tensorflow", "pytensor"],
)
def test_complex_tensors(complex_array: Any) -> None:
    with says(DTypeError, "huber", "y_pred", "complex64", "abs(y_pred)"):
        lossary.huber([1.0, 2.0], complex_array)


def test_tensorflow_strings() -> None:
    with says(DTypeError, "huber", "y_true", "dtype str"):
        lossary.huber(tf.constant(["a"]), tf.constant([1.0]))


@pytest.mark.parametrize(
    ("weight", "error", "parts"),
    [
        (np.ones(4), ShapeError, ("sample_weight", "(4,)", "one entry per data point, (3,)", "(3, 4)")),
        (np.ones((3, 2)), ShapeError, ("sample_weight", "(3, 2)", "(3,)")),
        (np.asarray([1.0, -np.inf, 1.0]), DomainError, ("sample_weight[1] is -inf", "finite weights", "where=")),
        (np.asarray([1.0, 1.0, np.nan]), DomainError, ("sample_weight[2] is nan", "finite weights")),
    ],
)
def test_weights(weight: Any, error: Any, parts: tuple[str, ...], eager: Maker) -> None:
    loss, y = lossary.MeanSquaredError(), np.zeros((3, 4))
    for call in (loss, lossary.value_and_grad(loss)):
        with says(error, "mean_squared_error", *parts):
            call(eager(y), eager(y), sample_weight=eager(weight))


@pytest.mark.parametrize(
    ("shape", "axis", "place"), [((2, 3, 4), 1, (1, 2, 0)), ((1, 3), -1, (0, 2)), ((3, 1), -1, (2,))]
)
def test_a_weight_is_named_by_its_place_in_the_array_that_came(
    shape: tuple[int, ...], axis: int, place: tuple[int, ...], eager: Maker
) -> None:
    weight = np.ones(shape)
    weight[place] = np.nan
    y = eager(np.zeros((shape[0], 3) if len(shape) == 2 else shape))
    with says(DomainError, "mean_squared_error", f"sample_weight[{', '.join(map(str, place))}] is nan"):
        lossary.MeanSquaredError(axis=axis)(y, y, sample_weight=eager(weight))


def test_elementwise_weights_only_where_elements_stand_alone(eager: Maker) -> None:
    with says(ShapeError, "categorical_crossentropy", "sample_weight", "(3, 4)", "(3,)"):
        lossary.CategoricalCrossentropy()(eager(ONE_HOT), eager(ROWS), sample_weight=eager(ROWS))


@pytest.mark.parametrize(
    ("mask", "error", "parts"),
    [
        (np.asarray([1, 0, 1]), DTypeError, ("where has dtype int64", "bool", "where != 0")),
        (np.asarray([1.0, 0.0, 1.0]), DTypeError, ("where has dtype float64", "bool")),
        (np.asarray([True, False]), ShapeError, ("where", "(2,)", "(3,)")),
    ],
)
def test_masks(mask: Any, error: Any, parts: tuple[str, ...]) -> None:
    with says(error, "huber", *parts):
        lossary.Huber()(np.zeros((3, 4)), np.zeros((3, 4)), where=mask)


PARAMETERS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("huber", {"delta": 0}, ("delta is 0", "a number > 0", "delta=1.0")),
    ("huber", {"delta": -1.0}, ("delta is -1.0", "a number > 0")),
    ("huber", {"delta": float("nan")}, ("delta is nan",)),
    ("huber", {"delta": "a"}, ("delta is 'a'",)),
    ("huber", {"delta": None}, ("delta is None",)),
    ("huber", {"delta": True}, ("delta is True",)),
    ("huber", {"delta": np.ones(2)}, ("delta is array([1., 1.])",)),
    ("categorical_crossentropy", {"label_smoothing": 1.5}, ("label_smoothing is 1.5", "[0, 1]")),
    ("binary_crossentropy", {"label_smoothing": -0.1}, ("label_smoothing is -0.1", "[0, 1]")),
    ("kl_divergence", {"epsilon": -1e-9}, ("epsilon is -1e-09",)),
    ("categorical_crossentropy", {"from_logits": "yes"}, ("from_logits is 'yes'", "True or False")),
    ("categorical_crossentropy", {"from_logits": 1}, ("from_logits is 1", "True or False")),
    ("sparse_categorical_crossentropy", {"ignore_class": 0.5}, ("ignore_class is 0.5", "whole number or None")),
    ("huber", {"detla": 2.0}, ("unknown parameter 'detla'", "delta, axis", "Did you mean delta=?")),
    ("mean_squared_error", {"delta": 2.0}, ("unknown parameter 'delta'", "accepted are axis, ")),
]


@pytest.mark.parametrize(("loss", "parameters", "parts"), PARAMETERS)
def test_parameters(loss: str, parameters: dict[str, Any], parts: tuple[str, ...]) -> None:
    with says(ParameterError, loss, *parts):
        lossary.get(loss, **parameters)
    with says(ParameterError, loss, *parts):
        function(loss)([[1.0]], [[1.0]], **parameters)


@pytest.mark.parametrize("axis", [2, -3, "last", 0.0, True, (0, 2), ()])
def test_axis(axis: Any, array: Maker) -> None:
    with says(ParameterError, "huber", f"axis is {axis!r}", "from -2 to 1", "axis=-1"):
        lossary.huber(array(np.zeros((3, 4))), array(np.zeros((3, 4))), axis=axis)


def test_reduction_and_check_names() -> None:
    with says(
        ParameterError, "huber", "reduction is 'avg'", "'sum_over_batch_size'", "reduction='sum_over_batch_size'"
    ):
        lossary.Huber(reduction="avg")
    with says(ParameterError, "huber", "check is 'none'", "'full', 'async', 'shapes' and 'off'", "check='shapes'"):
        lossary.Huber(check="none")  # type: ignore[call-arg]
    with pytest.raises(ParameterError, match="check is 'no'"), lossary.check("no"):  # type: ignore[arg-type]
        pass


def test_too_many_arguments() -> None:
    with says(ParameterError, "huber", "too many positional arguments", "huber(y_true, y_pred"):
        lossary.huber([1.0], [1.0], 1.0, -1, 3)
    with says(ParameterError, "huber", "positional arguments"):
        lossary.huber([1.0], [1.0], 1.0, delta=2.0)


@pytest.mark.parametrize("first", ALL)
@pytest.mark.parametrize("second", ALL)
def test_mixed_frameworks(first: str, second: str) -> None:
    y = np.zeros(3)
    if first == second or "numpy" in (first, second):
        lossary.MeanSquaredError()(ALL[first](y), ALL[second](y))
        lossary.MeanSquaredError()(ALL[first](y), ALL[first](y), sample_weight=ALL[second](y + 1))
        return
    with pytest.raises(lossary.BackendError, match=r"mean_squared_error: y_true is .* and y_pred is .* Convert one"):
        lossary.mean_squared_error(ALL[first](y), ALL[second](y))
    with pytest.raises(lossary.BackendError, match="sample_weight"):
        lossary.MeanSquaredError()(ALL[first](y), ALL[first](y), sample_weight=ALL[second](y + 1))


def test_every_error_is_a_loss_error_and_a_value_error() -> None:
    kinds = [getattr(lossary, name) for name in dir(lossary) if name.endswith("Error") and name != "LossError"]
    kinds = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) >= 7
    assert all(issubclass(kind, lossary.LossError) and issubclass(kind, ValueError) for kind in kinds)


# --- how much is checked ------------------------------------------------------------------------------------------

NEGATIVE = ([[-1.0]], [[2.0]])


def test_check_per_call_per_object_and_per_block() -> None:
    assert lossary.poisson(*NEGATIVE, check="shapes") == lossary.poisson(*NEGATIVE, check="off")
    lossary.Poisson(check="shapes")(*NEGATIVE)
    with lossary.check("off"):
        lossary.poisson(*NEGATIVE)
        with lossary.check("full"), pytest.raises(DomainError):
            lossary.poisson(*NEGATIVE)
        with pytest.raises(DomainError):  # The nearer choice wins.
            lossary.poisson(*NEGATIVE, check="full")
        with pytest.raises(DomainError):
            lossary.Poisson(check="full")(*NEGATIVE)
        lossary.poisson(*NEGATIVE)
    with pytest.raises(DomainError):
        lossary.poisson(*NEGATIVE)
    with lossary.check("shapes"), pytest.raises(ShapeError):
        lossary.poisson([[1.0, 2.0]], [[1.0]])


def test_a_check_block_ends_with_an_error_inside() -> None:
    with pytest.raises(RuntimeError), lossary.check("off"):
        raise RuntimeError
    with pytest.raises(DomainError):
        lossary.poisson(*NEGATIVE)


def test_a_check_block_is_of_its_thread() -> None:
    inside, done = threading.Event(), threading.Event()
    failures: list[str] = []

    def other() -> None:
        inside.wait(10)
        try:
            lossary.poisson(*NEGATIVE)
            failures.append("the block of another thread switched checks off")
        except DomainError:
            pass
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with lossary.check("off"):
        inside.set()
        assert done.wait(10)
        lossary.poisson(*NEGATIVE)
    thread.join()
    assert not failures


# --- the caller's arrays ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("formula_in")
@pytest.mark.parametrize("record", PAIRS, ids=lambda r: r.name)
def test_arrays_stay_untouched_also_read_only_ones(record: Any, rng: np.random.Generator) -> None:
    setting = Setting(record)
    arrays = setting.draw(rng)
    copies = [x.copy() for x in arrays]
    for x in arrays:
        x.flags.writeable = False
    setting.configured()(*arrays, sample_weight=np.ones(4), where=np.asarray([True, False, True, True]))
    _, gradient = lossary.value_and_grad(setting.configured())(*arrays)
    gradient += 1.0
    with pytest.raises(ShapeError):
        setting(arrays[0], arrays[1][:2])
    for x, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(x, copy)


def test_a_label_out_of_range_is_never_a_neighbours_value(eager: Maker) -> None:
    values = lossary.sparse_categorical_crossentropy(eager([0, -1, 4]), eager(ROWS), check="off")
    assert np.isnan(np.asarray(values)).tolist() == [False, True, True]
    value, gradient = lossary.SparseCategoricalCrossentropy(check="off").value_and_grad(eager([0, -1, 4]), eager(ROWS))
    assert np.isnan(np.asarray(value))
    assert np.isnan(np.asarray(gradient)).all(-1).tolist() == [False, True, True]


@pytest.mark.parametrize("setting", [s for s in SETTINGS if any(each.is_label for each in s.record.inputs)], ids=str)
def test_a_label_that_names_no_class_has_no_slope_of_a_number(setting: Setting, rng: np.random.Generator) -> None:
    """Steps that go nowhere would hide it."""
    loss, arrays = setting.configured(check="off", reduction="none"), setting.draw(rng, (3, 4))
    rows = arrays[0] if setting.record.is_pair else arrays[0][0]
    rows[:] = 0, -1, 4
    value, slopes = loss.value_and_grad(*arrays)
    assert np.isnan(value).tolist() == [False, True, True]
    assert np.isnan(slopes).any(-1).tolist() == [False, True, True]
