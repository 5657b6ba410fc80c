"""Objects of losses: settings that stay, copies that keep everything, and what other libraries ask of them."""

from __future__ import annotations

import copy
import gc
import io
import math
import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import joblib
import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.metrics import make_scorer

import lossary
from everywhere import there
from lossary import words
from lossary.calls import programs

Y_TRUE, Y_PRED = np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]])  # Huber: (0 + 3/2)/2, squares: (0 + 4)/2


class Ten(lossary.Huber):
    """A loss of a user's own that is ten times its parent."""

    def __init__(self, note: Any, **settings: Any) -> None:
        super().__init__(**settings)
        self.note = note

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        return 10.0 * super().__call__(*arguments, **settings)


@pytest.mark.parametrize("name", ["reduction", "axis", "name", "check", "delta", "parameters", "record"])
@pytest.mark.parametrize("loss", [lossary.Huber(), lossary.Huber() + lossary.LogCosh()], ids=repr)
def test_settings_stay(loss: lossary.Loss, name: str) -> None:
    if name != "delta" or "delta" in loss.parameters:
        before, said = hash(loss), "\\.\\.\\.\\)" if name in ("parameters", "record") else f"{name}="
        with pytest.raises(AttributeError, match=rf"{name} of an object is fixed.*loss\.replaced\({said}"):
            setattr(loss, name, "sum")
        assert hash(loss) == before
    with pytest.raises(TypeError):
        loss.parameters["delta"] = 2.0  # type: ignore[index]
    with pytest.raises(AttributeError):
        del loss.reduction


def test_settings_are_checked_when_made_and_when_replaced() -> None:
    loss = lossary.MeanSquaredError()
    for wrong in (
        {"reduction": "sum_over"},
        {"axis": 1.5},
        {"axis": (2, "last")},
        {"name": 3},
        {"check": "none"},
        {"x": 1},
    ):
        for make in (lossary.MeanSquaredError, loss.replaced):
            with pytest.raises(lossary.ParameterError):
                make(**wrong)
    assert loss.replaced(reduction="mean", name=None) == loss
    assert loss.replaced(reduction=None)(Y_TRUE, Y_PRED).tolist() == [2.0]
    huber = lossary.Huber(delta=2.0, reduction="sum", name="mine", axis=0, check="shapes")
    assert huber.replaced(delta=1.0) == lossary.Huber(reduction="sum", name="mine", axis=0, check="shapes")
    assert huber == lossary.Huber(delta=2.0, reduction="sum", name="mine", axis=0, check="shapes")


COPIES = [
    copy.copy,
    copy.deepcopy,
    clone,
    lambda loss: pickle.loads(pickle.dumps(loss)),
    lambda loss: loss.replaced(name="huber"),
    lambda loss: lossary.get(loss, name="huber"),
]


@pytest.mark.parametrize("copied", COPIES)
def test_copies_keep_class_and_state(copied: Any) -> None:
    own = Ten(["note"], delta=2.0)
    other = copied(own)
    assert type(other) is Ten
    assert other == own
    assert other.note == ["note"]
    assert float(other(Y_TRUE, Y_PRED)) == 10.0  # 10 (0 + 4/2)/2, as 2 is not beyond delta
    assert own != lossary.Huber(delta=2.0)
    other.note = "another"
    assert other != own
    assert repr(own) == "Ten(delta=2.0)"


def _defined(factor: float) -> Any:
    @lossary.loss(name="tests_defined_again")
    def again(y_true: Any, y_pred: Any) -> Any:
        return words.mean(factor * abs(y_pred - y_true))

    return again


def test_a_formula_stays_with_its_objects() -> None:
    first = _defined(1.0)
    loss = first.cls()
    early = copy.deepcopy(loss)
    second = _defined(3.0)
    for kept in (loss, early, copy.copy(loss), copy.deepcopy(loss), loss.replaced(reduction="sum"), first):
        for array in (np.asarray, torch.tensor, jnp.asarray, tf.constant):
            assert np.asarray(kept(array(Y_TRUE), array(Y_PRED))).sum() == 1.0
    wide = np.zeros((1, 70000), np.float32), np.ones((1, 70000), np.float32)  # Kernels take these.
    for array in (np.asarray, torch.tensor):
        assert [float(x(*map(array, wide))) for x in (loss, second.cls(), early, _defined(5.0).cls())] == [1, 3, 1, 5]
    second = _defined(3.0)
    assert float(second.cls()(Y_TRUE, Y_PRED)) == 3.0
    assert second.cls() != loss
    with pytest.raises(lossary.ParameterError, match=r"tests_defined_again: .* cannot be pickled"):
        pickle.dumps(loss)
    assert pickle.loads(pickle.dumps(second.cls())) == second.cls()


def test_definitions_that_nothing_holds_are_forgotten() -> None:
    def kept() -> int:
        gc.collect()
        return len(programs.numbered)

    _defined(0.5)(Y_TRUE, Y_PRED)
    before = kept()
    for factor in range(20):
        _defined(float(factor))(Y_TRUE, Y_PRED)
    assert kept() <= before


MODULE = """
import lossary
from lossary import words

@lossary.loss
def cubed(y_true, y_pred, *, scale=1.0):
    return words.mean(scale * abs(y_pred - y_true) ** 3)

def plain(y_true, y_pred):
    return abs(y_true - y_pred).mean(-1)
"""
PROGRAM = """
import sys, joblib, numpy as np
sys.path.insert(0, sys.argv[1])
for loss in joblib.load(sys.argv[1] + "/losses"):
    print(float(np.sum(loss(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]])))))
"""


def test_own_losses_in_a_fresh_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tests_own_losses.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    import tests_own_losses as own

    losses = [own.cubed.cls(scale=2.0), own.cubed, lossary.get(own.plain), lossary.Huber() + 0.5 * own.cubed.cls()]
    joblib.dump(losses, tmp_path / "losses")
    done = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["8.0", "4.0", "1.0", "2.75"], done.stderr


def test_saved_by_pytorch() -> None:
    for loss in (
        lossary.Huber(delta=2.0),
        0.5 * lossary.Huber() + lossary.CategoricalCrossentropy(class_weight=[1, 2]),
    ):
        file = io.BytesIO()
        torch.save({"loss": loss}, file)
        file.seek(0)
        known = [type(loss), lossary.Huber, lossary.CategoricalCrossentropy]
        with torch.serialization.safe_globals(known):
            assert torch.load(file, weights_only=True) == {"loss": loss}


def test_what_scikit_learn_and_notebooks_ask() -> None:
    loss = lossary.Huber(delta=2.0, name="mine")
    assert loss.__name__ == "mine"
    assert loss.get_params() == {
        "delta": 2.0, "axis": -1, "reduction": "sum_over_batch_size", "name": "mine", "check": None
    }  # fmt: skip
    scorer = make_scorer(loss, greater_is_better=False)
    assert "mine" in repr(scorer)
    # Errors of 1, 2 and 3 beside a mean of 0: 1/2, 2 and 2 (3 - 1).
    assert scorer(DummyRegressor().fit([[0]], [0.0]), [[0]] * 3, [1.0, 2.0, 3.0]) == pytest.approx(-6.5 / 3.0)
    assert loss._repr_html_() == "<code>Huber(delta=2.0, name=&#x27;mine&#x27;)</code>"


def test_losses_are_arguments_of_jax() -> None:
    y_true, y_pred = jnp.asarray(Y_TRUE), jnp.asarray(Y_PRED)
    call = jax.jit(lambda loss, y, p: loss(y, p))
    for loss, expected in ((lossary.Huber(), 0.75), (lossary.MeanSquaredError(), 2.0), (Ten(1), 7.5)):
        assert float(call(loss, y_true, y_pred)) == expected
    assert float(call(lossary.Huber() + 0.5 * lossary.MeanSquaredError(), y_true, y_pred)) == 1.75
    # The mean over two elements of delta (2 - delta/2) in the one beyond: d/d delta = (2 - delta)/2.
    slope = jax.grad(lambda loss: loss(y_true, y_pred))(lossary.Huber(delta=jnp.float32(0.5)))
    assert float(slope.delta) == 0.75


def test_arrays_as_numbers() -> None:
    for delta in (torch.tensor(1.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.bfloat16)):
        value = lossary.Huber(delta=delta)(torch.tensor(Y_TRUE).float(), torch.tensor(Y_PRED).float())
        assert value.item() == 0.75
        assert value.dtype == torch.float32
    loss = lossary.Huber(delta=keras.Variable(1.0))
    assert float(loss(jnp.asarray(Y_TRUE), jnp.asarray(Y_PRED))) == 0.75
    assert lossary.get(loss.get_config()) == lossary.Huber()
    tensor = tf.constant(1.0, tf.float64)
    assert float(lossary.Huber(delta=tensor)(tf.constant(Y_TRUE, tf.float32), tf.constant(Y_PRED, tf.float32))) == 0.75
    with pytest.raises(lossary.BackendError, match="delta is a PyTorch tensor"):
        lossary.Huber(delta=torch.tensor(1.0))(jnp.asarray(Y_TRUE), jnp.asarray(Y_PRED))


@pytest.mark.parametrize(
    "wrong",
    [10**400, 10**5000, np.str_("2"), "2", 1j, np.complex64(1 + 1j), np.bool_(True), torch.ones(2), None, [1.0]],
    ids=lambda value: type(value).__name__,
)
def test_numbers_that_are_none(wrong: Any) -> None:
    with pytest.raises(lossary.ParameterError, match=r"huber: delta is .*; accepted is a number > 0"):
        lossary.Huber(delta=wrong)


@pytest.mark.parametrize("library", ["numpy", "torch", "jax"])
def test_a_parameter_in_its_range_is_in_it_in_float32_too(library: str) -> None:
    """``log(1 + (2e300)**2 / 2)`` needs float64; a bound that belongs to the range may be met."""
    pair = np.zeros((1, 2), np.float32), np.full((1, 2), 2.0, np.float32)
    for cauchy in (lossary.Cauchy(c=1e-300), partial(lossary.cauchy, c=1e-300)):
        with pytest.raises(lossary.ParameterError, match="cauchy: c is 1e-300, and 0 in float32"):
            cauchy(*there(library, pair))
    assert float(lossary.Poisson(epsilon=1e-300)(*there(library, pair))) == pytest.approx(2.0)
    exact = 600.0 * math.log(10.0) + math.log(2.0)
    assert lossary.Cauchy(c=1e-300)(*(x.astype(np.float64) for x in pair)) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        {"class_name": "Huber", "config": None},
        {"class_name": "Huber", "config": "x"},
        {"class_name": "Huber", "config": {1: 2}},
        {"class_name": "Huber", "config": {"class_name": "Huber", "config": {"delta": 2.0}}},
        {"class_name": "Huber", "config": {"delta": 2.0}, "reduction": "sum"},
        {"class_name": "WeightedSum", "config": {}},
        {"class_name": "WeightedSum", "config": {"terms": [1]}},
        {"class_name": "WeightedSum", "config": {"terms": []}},
    ],
    ids=str,
)
def test_configurations_that_are_none(wrong: Any) -> None:
    with pytest.raises(lossary.LossError):
        lossary.get(wrong)


@pytest.mark.parametrize("name", ["x(*a): pass\nimport os", "a b", "class", "", "my-loss", 3])
def test_names_are_identifiers(name: Any) -> None:
    for settings in ({"name": name}, {"name": "tests_identifier", "class_name": name}):
        with pytest.raises(lossary.ParameterError, match="a loss cannot be called"):
            lossary.loss(**settings)(lambda y_true, y_pred: y_pred - y_true)


@pytest.mark.parametrize(
    "name", ["axis", "check", "name", "reduction", "ready", "batch", "record", "where", "replaced"]
)
def test_parameters_are_not_called_like_what_losses_have(name: str) -> None:
    scope: dict[str, Any] = {"__name__": None}
    exec(f"def formula(y_true, y_pred, {name}=1.0): return y_pred - y_true", scope)
    with pytest.raises(lossary.ParameterError, match=f"a parameter cannot be called {name!r}"):
        lossary.loss(name="tests_reserved")(scope["formula"])


def test_a_parameter_may_be_called_step() -> None:
    @lossary.loss(name="tests_step")
    def formula(y_true: Any, y_pred: Any, *, step: float = 1.0) -> Any:
        return words.mean(step * abs(y_pred - y_true))

    assert formula(Y_TRUE, Y_PRED, step=3.0) == formula.cls(step=3.0)(Y_TRUE, Y_PRED) == 3.0


def test_formulas_that_stand_in_no_module() -> None:
    scope: dict[str, Any] = {"lossary": lossary, "__name__": None}
    exec("@lossary.loss\ndef tests_executed(y_true, y_pred): return lossary.words.mean(abs(y_pred - y_true))", scope)
    loss = lossary.get("tests_executed")
    assert float(loss(Y_TRUE, Y_PRED)) == 1.0
    assert pickle.loads(pickle.dumps(loss)) == loss


def test_switches_that_differ_in_one_compiled_function() -> None:
    scores, labels = torch.zeros(3, 2), torch.tensor([0, 1, 1])

    @torch.compile(backend="eager", fullgraph=True)
    def both(p: Any) -> Any:
        return [
            lossary.sparse_categorical_crossentropy(labels, p, from_logits=True, ignore_class=c).sum() for c in (0, 1)
        ]

    torch.testing.assert_close(torch.stack(both(scores)), torch.tensor([2.0, 1.0]) * np.log(2.0))


def test_what_knows_the_formula_alone_does_not_pass_by_a_call_of_ones_own() -> None:
    """Ten times 3/4, with ten times the slope of Huber's line over two outputs; nothing says 3/4."""
    ten = Ten("x")
    value, gradient = ten.value_and_grad(torch.tensor(Y_TRUE), torch.tensor(Y_PRED))
    assert (value.item(), gradient.tolist()) == (7.5, [[0.0, 5.0]])
    value, gradient = (ten + lossary.Huber()).value_and_grad(torch.tensor(Y_TRUE), torch.tensor(Y_PRED))
    assert (value.item(), gradient.tolist()) == (8.25, [[0.0, 5.5]])
    asked = {
        "value_and_grad": lambda: lossary.value_and_grad(ten)(Y_TRUE, Y_PRED),
        "total": lambda: (ten + lossary.Huber()).total(Y_TRUE, Y_PRED),
        "best_constant": lambda: ten.best_constant([1.0]),
        "grad_and_hess": lambda: lossary.grad_and_hess(0.5 * ten),
        "verify": lambda: lossary.verify(ten + lossary.Huber()),
    }
    for name, ask in asked.items():
        with pytest.raises(lossary.ParameterError, match=f"Ten has a __call__ of its own, of which {name} knows"):
            ask()
    with pytest.raises(lossary.UnknownLossError, match="'Ten'"):
        lossary.get(ten.get_config())
    plain = type("Plain", (lossary.Huber,), {})()
    assert plain.total(Y_TRUE, Y_PRED).mean() == 0.75
