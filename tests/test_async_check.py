"""``check="async"``: a value outside its set becomes NaN inside a compiled program, and the host hears of it later."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytensor.tensor as pt
import pytest
import tensorflow as tf
import torch

import lossary
import lossary.torch
from inputs import FEWEST, SETTINGS, Setting, every, few
from lossary.backends import _torch_report
from lossary.backends.torch import TorchBackend
from lossary.looks import faults


@pytest.fixture(autouse=True)
def nothing_left_over() -> Iterator[None]:
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lossary.DomainWarning)
        try:
            lossary.raise_faults()
        except lossary.DomainError:
            pytest.fail("a fault was left unread")


class Far(torch.Tensor):
    """A tensor of another kind, so that nothing is assumed about where it lies."""


def far(x: Any) -> torch.Tensor:
    return torch.as_tensor(x).as_subclass(Far)


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors that may not be read without a wait, as on an accelerator."""
    monkeypatch.setattr(TorchBackend, "host", lambda self, x, *, wait: None)


def in_jax(loss: Any, *arrays: Any) -> Any:
    return np.asarray(jax.jit(loss)(*map(jnp.asarray, arrays)))


def in_torch(loss: Any, *arrays: Any) -> Any:
    return loss(*map(far, arrays)).numpy()


def in_tensorflow(loss: Any, *arrays: Any) -> Any:
    return tf.function(loss)(*map(tf.convert_to_tensor, arrays)).numpy()


def told(function: Callable[..., Any], *arrays: Any) -> tuple[Any, str]:
    """What a program returned and what the host heard, in two ways that must agree."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = function(*arrays)
        with pytest.raises(lossary.DomainError) as raised:
            lossary.raise_faults()
    said = [str(w.message) for w in caught if w.category is lossary.DomainWarning]
    assert said[0] == str(raised.value)
    return value, said[0]


def silent(function: Callable[..., Any], *arrays: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error", lossary.DomainWarning)
        value = function(*arrays)
        lossary.raise_faults()
    return value


def eager(loss: Any, *arrays: Any) -> str:
    """The text of the same call where values are at hand."""
    with pytest.raises(lossary.DomainError) as caught:
        loss(*arrays)
    return str(caught.value)


RUNNERS = [in_jax, in_torch, in_tensorflow]
COMPILED: dict[Any, Callable[[Any], Any]] = {in_jax: jax.jit, in_torch: lambda loss: loss, in_tensorflow: tf.function}
LABELS = np.array([0, 1, 2])
SHARES = np.array([[0.5, 0.25, 0.25], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]], np.float32)
ROWS = np.eye(3, dtype=np.float32)
BITS = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]], np.float32)
CHANCES = np.array([[0.5, 0.25], [0.5, 0.75], [0.5, 0.5]], np.float32)


def changed(x: np.ndarray[Any, Any], index: tuple[int, ...], value: float) -> np.ndarray[Any, Any]:
    x = x.astype(np.float32) if value % 1 else x.copy()
    x[index] = value
    return x


FAULTS = [
    ("sparse_categorical_crossentropy", changed(LABELS, (1,), 7), SHARES, "y_true[1] is 7"),
    ("sparse_categorical_crossentropy", changed(LABELS, (1,), -1), SHARES, "y_true[1] is -1"),
    ("sparse_categorical_crossentropy", changed(LABELS, (1,), 0.5), SHARES, "y_true[1] is 0.5"),
    ("sparse_categorical_crossentropy", LABELS, changed(SHARES, (1, 2), -2.5), "y_pred[1, 2] is -2.5"),
    ("categorical_crossentropy", changed(ROWS, (1, 0), 1.0), SHARES, "y_true[1] sums to 2"),
    ("categorical_crossentropy", changed(ROWS, (1, 0), 3.0), SHARES, "y_true[1, 0] is 3"),
    ("binary_crossentropy", changed(BITS, (1, 1), 255.0), CHANCES, "y_true[1, 1] is 255"),
    ("binary_crossentropy", BITS, changed(CHANCES, (1, 0), 1.5), "y_pred[1, 0] is 1.5"),
    ("hinge", changed(BITS, (1, 0), 3.0), CHANCES, "y_true[1, 0] is 3"),
    ("poisson", changed(BITS, (1, 0), -2.0), CHANCES, "y_true[1, 0] is -2"),
    ("mean_squared_error", BITS, changed(CHANCES, (1, 1), np.nan), "y_pred[1, 1] is nan"),
    ("huber", changed(BITS, (1, 1), np.nan), CHANCES, "y_true[1, 1] is nan"),
]


@pytest.mark.usefixtures("unreadable")
@pytest.mark.parametrize("number", range(len(FAULTS)))
@pytest.mark.parametrize("shift", few((0).__eq__, range(len(RUNNERS))))
def test_the_point_becomes_nan_and_the_host_hears_what_an_eager_call_says(number: int, shift: int) -> None:
    name, y_true, y_pred, place = FAULTS[number]
    run = RUNNERS[(number + shift) % len(RUNNERS)]
    loss = lossary.get(name, check="async", reduction="none")
    values, text = told(run, loss, y_true, y_pred)
    assert text == eager(loss, y_true, y_pred)
    assert text.startswith(f"{name}: {place}")
    others = lossary.get(name, reduction="none")(y_true[[0, 2]], y_pred[[0, 2]])
    assert np.isnan(values[1])
    np.testing.assert_allclose(values[[0, 2]], others, rtol=1e-6)


@pytest.mark.usefixtures("unreadable")
@pytest.mark.parametrize("run", RUNNERS)
@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST), ids=str)
def test_every_loss_is_as_it_was_where_all_is_well_and_tells_of_a_broken_prediction(run: Any, setting: Setting) -> None:
    """One compiled program, called with both."""
    y_true, y_pred = setting.draw(np.random.default_rng(0), (4, 3))
    step = COMPILED[run](setting.configured(check="async", reduction="none"))
    values = silent(run, step, y_true, y_pred)
    np.testing.assert_allclose(values, setting(y_true, y_pred), rtol=1e-5)
    y_pred[2, 1] = np.nan
    values, text = told(run, step, y_true, y_pred)
    assert np.isnan(values).tolist() == [False, False, True, False]
    assert text.startswith(f"{setting.record.name}: y_pred[2, 1] is nan")


@pytest.mark.usefixtures("unreadable")
@pytest.mark.parametrize("run", RUNNERS)
def test_places_are_those_of_the_callers_arrays(run: Any) -> None:
    """The class axis comes first, and a column of labels keeps its shape in the message."""
    loss = lossary.SparseCategoricalCrossentropy(check="async", axis=0, reduction="none")
    assert told(run, loss, LABELS, changed(SHARES.T, (2, 1), 4.0))[1].split(";")[0].endswith("y_pred[2, 1] is 4")
    loss = lossary.SparseCategoricalCrossentropy(check="async", reduction="none")
    _, text = told(run, loss, changed(LABELS, (2,), 3)[:, None], SHARES)
    assert "y_true[2, 0] is 3; accepted are labels 0 to 2 (3 classes)" in text


@pytest.mark.usefixtures("unreadable")
@pytest.mark.parametrize("run", RUNNERS)
def test_weights_masks_and_ignored_classes(run: Any) -> None:
    loss = lossary.MeanSquaredError(check="async")
    value, text = told(run, loss, BITS, CHANCES, np.array([1.0, np.inf, 1.0], np.float32))
    assert np.isnan(value)
    assert text.startswith("mean_squared_error: sample_weight[1] is inf; accepted are finite weights")
    _, text = told(run, loss.replaced(axis=0), BITS, CHANCES, changed(np.ones_like(BITS), (2, 1), np.inf))
    assert text.startswith("mean_squared_error: sample_weight[2, 1] is inf")
    masked = changed(CHANCES, (1, 1), np.nan)
    value = silent(run, lambda t, p, m: loss(t, p, where=m), BITS, masked, np.array([True, False, True]))
    assert value == pytest.approx((0.25 + 0.5625 + 0.25 + 0.25) / 4)
    loss = lossary.SparseCategoricalCrossentropy(check="async", ignore_class=-1)
    assert silent(run, loss, changed(LABELS, (1,), -1), SHARES) == pytest.approx(-(np.log(0.5) + np.log(0.6)) / 2)


@pytest.mark.usefixtures("unreadable")
@pytest.mark.parametrize("run", RUNNERS)
def test_what_is_said_in_a_sequence_is_looked_at(run: Any) -> None:
    heard = np.log(np.full((2, 9, 4), 0.25, np.float32))
    loss = lossary.get("ctc", check="async", reduction="none")
    # Numbers below 0 are padding.
    assert np.isfinite(silent(run, loss, np.array([[1, 2, 1], [1, 3, -1]]), heard)).all()
    values, text = told(run, loss, np.array([[1, 2, 1], [1, 9, -1]]), heard)
    assert np.isnan(values).tolist() == [False, True]
    assert text.startswith("ctc: y_true[1, 1] is 9; accepted are whole numbers 0 to 3")


@pytest.mark.usefixtures("unreadable")
@pytest.mark.parametrize("run", RUNNERS)
def test_a_function_of_ones_own(run: Any) -> None:
    loss = lossary.get(lambda y_true, y_pred: (y_true - y_pred)[:, 0] ** 2, check="async", reduction="none")
    values, text = told(run, loss, BITS, changed(CHANCES, (1, 1), np.nan))
    np.testing.assert_allclose(values, [0.25, np.nan, 0.25])
    assert text.startswith("custom_loss: y_pred[1, 1] is nan; accepted are real numbers")


@pytest.mark.usefixtures("unreadable")
@pytest.mark.parametrize("run", RUNNERS)
def test_the_first_fault_of_several_is_told(run: Any) -> None:
    loss = lossary.BinaryCrossentropy(check="async")
    _, text = told(run, loss, changed(BITS, (2, 0), 9.0), changed(CHANCES, (0, 0), -1.0))
    assert "y_true[2, 0] is 9" in text
    assert silent(run, loss, BITS, CHANCES) > 0


@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor, jnp.asarray, tf.convert_to_tensor])
def test_values_at_hand_are_an_error_at_once(convert: Any) -> None:
    loss = lossary.SparseCategoricalCrossentropy(check="async")
    with pytest.raises(lossary.DomainError, match=r"y_true\[1\] is 7"):
        loss(convert(changed(LABELS, (1,), 7)), convert(SHARES))


def test_the_mode_is_kept_and_may_come_from_a_block() -> None:
    loss = lossary.Huber(check="async")
    assert lossary.get(loss.get_config()) == loss
    assert pickle.loads(pickle.dumps(loss)).check == "async"
    with lossary.check("async"):
        told(in_jax, lossary.Huber(), BITS, changed(CHANCES, (0, 0), np.nan))
    told(in_jax, lambda t, p: lossary.huber(t, p, check="async"), BITS, changed(CHANCES, (0, 0), np.nan))


def test_symbolic_graphs_cannot_report() -> None:
    with pytest.raises(lossary.ParameterError, match="those of pytensor cannot report"):
        lossary.Hinge(check="async")(pt.vector(), pt.vector())


# --- JAX -------------------------------------------------------------------------------------------------------------

SPARSE = lossary.SparseCategoricalCrossentropy(check="async")
WRONG = jnp.asarray(changed(LABELS, (1,), 7))
PREDICTED = jnp.asarray(SHARES)
# d/dp of -log(p_y / sum p) / 3 = (1 / sum p - [y] / p_y) / 3
SLOPES = np.array([[1 - 2, 1, 1], [np.nan] * 3, [1, 1, 1 - 1 / 0.6]]) / 3


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: jax.jit(jax.grad(f)),
        lambda f: jax.jit(jax.grad(jax.checkpoint(f))),
        lambda f: jax.jit(jax.jacrev(f)),
        lambda f: jax.jit(lambda p, y: jax.vjp(lambda p: f(p, y), p)[1](1.0)[0]),
        lambda f: jax.jit(lambda p, y: lossary.value_and_grad(SPARSE)(y, p)[1]),
    ],
)
def test_gradients_in_jax(transform: Any) -> None:
    gradient, text = told(transform(lambda p, y: SPARSE(y, p)), PREDICTED, WRONG)
    np.testing.assert_allclose(gradient, SLOPES, rtol=1e-5)
    assert "y_true[1] is 7" in text


@pytest.mark.costly
def test_forward_mode_hessian_and_loops_in_jax() -> None:
    def loss(p: Any, y: Any) -> Any:
        return SPARSE(y, p)

    right = jnp.asarray(LABELS)
    assert np.isnan(told(jax.jit(jax.jacfwd(loss)), PREDICTED, WRONG)[0]).all()
    hessian = silent(jax.jit(jax.hessian(loss)), PREDICTED, right)
    assert hessian[0, 0, 0, 0] == pytest.approx((1 / 0.25 - 1) / 3, rel=1e-5)
    both = jnp.stack([right, WRONG])
    scanned = jax.jit(lambda p, ys: jax.lax.scan(lambda carry, y: (carry, loss(p, y)), 0.0, ys)[1])
    assert np.isnan(told(scanned, PREDICTED, both)[0]).tolist() == [False, True]


def one(p: Any, y: Any) -> Any:
    return lossary.sparse_categorical_crossentropy(y, p, check="async")


@pytest.mark.costly
def test_vmap_in_jax() -> None:
    """An example under vmap has no index of its own to tell."""
    for transform in (jax.vmap, lambda f: jax.jit(jax.vmap(f))):
        values, text = told(transform(one), PREDICTED, WRONG)
        np.testing.assert_allclose(values, [-np.log(0.5), np.nan, -np.log(0.6)], rtol=1e-6)
        assert text.startswith("sparse_categorical_crossentropy: y_true is 7; accepted are labels 0 to 2")
    gradient, _ = told(jax.jit(jax.vmap(jax.grad(one))), PREDICTED, WRONG)
    np.testing.assert_allclose(gradient, 3 * SLOPES, rtol=1e-5)
    nested = jax.jit(jax.vmap(jax.vmap(one), (None, 0)))
    assert np.isnan(told(nested, PREDICTED, jnp.stack([jnp.asarray(LABELS), WRONG]))[0]).sum() == 1


@pytest.mark.parametrize("transform", [jax.jit, lambda f: jax.jit(jax.vmap(f)), lambda f: jax.jit(jax.grad(f))])
def test_where_all_is_well_the_host_is_not_called(transform: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(faults.Site, "tell", lambda *args: calls.append(args))
    step = transform(lambda p, y: jnp.sum(one(p, y)))
    step(PREDICTED, jnp.asarray(LABELS))
    lossary.raise_faults()
    assert not calls
    step(PREDICTED, WRONG)
    lossary.raise_faults()
    assert len(calls) == 1


def test_warnings_turned_into_errors_stop_jax() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", lossary.DomainWarning)
        with pytest.raises(jax.errors.JaxRuntimeError, match=r"y_true\[1\] is 7"):
            jax.block_until_ready(jax.jit(SPARSE)(WRONG, PREDICTED))
    with pytest.raises(lossary.DomainError):
        lossary.raise_faults()


def test_parameters_may_be_traced() -> None:
    step = jax.jit(lambda delta, p: lossary.huber(jnp.asarray(BITS), p, delta=delta, check="async"))
    assert "y_pred[0, 1] is nan" in told(step, 1.0, jnp.asarray(changed(CHANCES, (0, 1), np.nan)))[1]


# --- PyTorch ---------------------------------------------------------------------------------------------------------


class Event:
    """A copy that has arrived once somebody says so."""

    def __init__(self) -> None:
        self.arrived = False
        self.waited = 0

    def query(self) -> bool:
        return self.arrived

    def synchronize(self) -> None:
        self.waited += not self.arrived


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch, unreadable: None) -> list[Event]:
    made: list[Event] = []

    def arrival(x: Any) -> Event:
        made.append(Event())
        return made[-1]

    monkeypatch.setattr(_torch_report, "_arrival", arrival)
    return made


def test_a_fault_on_its_way_is_told_at_a_later_call_and_never_waited_for(events: list[Event]) -> None:
    right, wrong, predicted = map(far, (LABELS, changed(LABELS, (1,), 7), SHARES))
    with warnings.catch_warnings():
        warnings.simplefilter("error", lossary.DomainWarning)
        assert torch.isnan(SPARSE(wrong, predicted))
        SPARSE(right, predicted)
    events[0].arrived = True
    with pytest.warns(lossary.DomainWarning, match=r"y_true\[1\] is 7"):
        SPARSE(right, predicted)
    assert not any(event.waited for event in events)
    with pytest.raises(lossary.DomainError, match=r"y_true\[1\] is 7"):
        lossary.raise_faults()
    assert [event.waited for event in events] == [0, 1, 1]
    assert not _torch_report._pending


@pytest.mark.usefixtures("unreadable")
def test_gradients_in_torch() -> None:
    def loss(p: Any) -> Any:
        return SPARSE(far(changed(LABELS, (1,), 7)), p)

    leaf = torch.tensor(SHARES, requires_grad=True)
    told(lambda: loss(leaf).backward())
    np.testing.assert_allclose(leaf.grad, SLOPES, rtol=1e-5)
    for transform in (torch.func.grad, torch.func.jacrev):
        gradient, text = told(transform(loss), leaf.detach())
        np.testing.assert_allclose(gradient, SLOPES, rtol=1e-5)
        assert "y_true[1] is 7" in text
    gradient, _ = told(torch.vmap(torch.func.grad(loss)), leaf.detach()[None])
    np.testing.assert_allclose(gradient[0], SLOPES, rtol=1e-5)


@pytest.mark.usefixtures("unreadable")
def test_vmap_in_torch() -> None:
    assert torch.isfinite(silent(torch.vmap(one), torch.as_tensor(SHARES), torch.as_tensor(LABELS))).all()
    values, text = told(torch.vmap(one), torch.as_tensor(SHARES), torch.as_tensor(changed(LABELS, (1,), 7)))
    np.testing.assert_allclose(values, [-np.log(0.5), np.nan, -np.log(0.6)], rtol=1e-6)
    assert text.startswith("sparse_categorical_crossentropy: y_true is 7; accepted are labels 0 to 2")


def test_tensors_without_values_pass() -> None:
    value = SPARSE(torch.empty(3, dtype=torch.long, device="meta"), torch.empty(3, 3, device="meta"))
    assert value.shape == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("compiler", "dynamic"),
    [
        pytest.param("aot_eager", False, marks=pytest.mark.costly),
        pytest.param("aot_eager", True, marks=pytest.mark.exhaustive),
        pytest.param("inductor", False, marks=pytest.mark.costly),
    ],
)
def test_torch_compile_makes_one_graph(compiler: str, dynamic: bool) -> None:
    torch.compiler.reset()
    step = torch.compile(SPARSE, fullgraph=True, dynamic=dynamic, backend=compiler)
    wrong, leaf = torch.as_tensor(changed(LABELS, (1,), 7)), torch.tensor(SHARES, requires_grad=True)
    value, text = told(step, wrong, leaf)
    assert text == eager(SPARSE, wrong, leaf)
    value.backward()
    np.testing.assert_allclose(leaf.grad, SLOPES, rtol=1e-5)
    expected = -np.log([0.5, 0.6, 0.6]).mean()
    assert silent(step, torch.as_tensor(LABELS), torch.as_tensor(SHARES)).item() == pytest.approx(expected)
    assert "y_true[3] is 7" in told(step, torch.tensor([0, 1, 2, 7, 0]), torch.full((5, 3), 1 / 3))[1]


NAN = float("nan")
IN_TORCH = [
    (lossary.torch.MSELoss(), ([[0.0, NAN]], [[0.0, 0.0]]), "input[0, 1] is nan; accepted are real numbers"),
    (lossary.torch.BCELoss(), ([0.5, 0.5], [0.0, 3.0]), "target[1] is 3; accepted are 0 or 1, or a probability"),
    (lossary.torch.PoissonNLLLoss(), ([[0.0, NAN]], [[1.0, 1.0]]), "input[0, 1] is nan; accepted are real numbers"),
    (lossary.torch.GaussianNLLLoss(), ([0.0], [NAN], [1.0]), "target[0] is nan; accepted are real numbers"),
    (lossary.torch.MultiLabelSoftMarginLoss(), ([[0.0, NAN]], [[1.0, 0.0]]), "input[0, 1] is nan; accepted are real"),
    (lossary.torch.NLLLoss(), ([[-0.5, -1.0]], [2]), "target[0] is 2; accepted are labels 0 to 1 (2 classes)"),
    (lossary.torch.Loss("poisson"), ([[1.0, 1.0]], [[1.0, -2.0]]), "target[0, 1] is -2; accepted are numbers >= 0"),
]


@pytest.mark.usefixtures("unreadable")
@pytest.mark.parametrize(("loss", "arrays", "fault"), IN_TORCH, ids=repr)
def test_faults_of_modules_are_told_in_the_words_of_torch(loss: Any, arrays: Any, fault: str) -> None:
    with lossary.check("async"):
        text = told(loss, *map(far, arrays))[1]
    assert text.startswith(f"{loss.loss.name}: {fault}")
    with lossary.check("async"):
        assert ": y_true[0, 0] is -2" in told(lossary.poisson, far([[-2.0]]), far([[1.0]]))[1]


# --- TensorFlow ------------------------------------------------------------------------------------------------------


def test_gradients_and_unknown_lengths_in_tensorflow() -> None:
    signature = [tf.TensorSpec((None,), tf.int64), tf.TensorSpec((None, None), tf.float32)]

    @tf.function(input_signature=signature)
    def slopes(y_true: Any, y_pred: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            value = SPARSE(y_true, y_pred)
        return tape.gradient(value, y_pred)

    gradient, text = told(slopes, changed(LABELS, (1,), 7), SHARES)
    np.testing.assert_allclose(gradient, SLOPES, rtol=1e-5)
    assert "y_true[1] is 7; accepted are labels 0 to 2 (3 classes)" in text


def test_xla_in_tensorflow_says_that_it_cannot_tell_and_answers_when_asked() -> None:
    step = tf.function(lossary.SparseCategoricalCrossentropy(check="async", reduction="none"), jit_compile=True)
    wrong, right, predicted = map(tf.convert_to_tensor, (changed(LABELS, (1,), -1), LABELS, SHARES))
    with pytest.warns(lossary.DomainWarning, match="XLA lets no TensorFlow program tell .* lossary.raise_faults()"):
        assert np.isfinite(step(right, predicted)).all()
    lossary.raise_faults()
    with warnings.catch_warnings():
        warnings.simplefilter("error", lossary.DomainWarning)
        values = step(wrong, predicted)
        step(tf.convert_to_tensor(changed(LABELS, (0,), 9)), predicted)
        step(right, predicted)
    np.testing.assert_allclose(values, [-np.log(0.5), np.nan, -np.log(0.6)], rtol=1e-6)
    assert "y_true[1] is -1; accepted are labels 0 to 2 (3 classes)" in told(lambda: None)[1]
    lossary.raise_faults()
    with pytest.warns(lossary.DomainWarning, match="XLA"):  # Traced again for another length.
        step(tf.constant([0, 1, 2, 5]), tf.fill((4, 3), 1 / 3))
    assert "y_true[3] is 5" in told(lambda: None)[1]
