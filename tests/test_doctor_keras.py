"""``compile(..., doctor=...)``: the first ``fit`` begins with a look, the others do not."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lossary
from lossary.adapters import keras_doctor
from lossary.doctor import DiagnosisError, DiagnosisWarning
from lossary.keras import Model, Sequential

X = np.random.default_rng(0).normal(size=(40, 5)).astype("float32")
LABELS = np.arange(40) % 3
ONE_HOT = np.eye(3, dtype="float32")[LABELS]


def model(activation: str | None = None, units: int = 3) -> Any:
    return Sequential([keras.Input((5,)), keras.layers.Dense(units, activation=activation)])


def test_warns_once_at_the_users_line() -> None:
    wrong = model("softmax")
    wrong.compile(loss=lossary.CategoricalCrossentropy(from_logits=True), optimizer="sgd")
    with pytest.warns(DiagnosisWarning, match="LS301 error") as caught:
        wrong.fit(X, ONE_HOT, verbose=0)
    assert Path(caught[0].filename) == Path(__file__)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DiagnosisWarning)
        wrong.fit(X, ONE_HOT, verbose=0)


def test_labels_that_the_mask_of_a_model_may_hide_are_no_mistake() -> None:
    layers = [keras.Input((4,)), keras.layers.Embedding(4, 2, mask_zero=True), keras.layers.Dense(3, "softmax")]
    masked, x = keras.Sequential(layers), np.array([[1, 2, 0, 0], [3, 1, 2, 0]])
    labels = np.where(x == 0, -1, x % 3)
    for y_true in (labels, labels[..., None]):
        for y_pred in (masked.predict(x, verbose=0), masked(x)):
            report = lossary.diagnose("sparse_categorical_crossentropy", y_true, y_pred, model=masked)
            assert report.ok, report
            assert report.not_checked[-3].startswith("3 data points with labels below 0")
            wrong = lossary.diagnose("sparse_categorical_crossentropy", y_true + 2, y_pred, model=masked)
            assert wrong.findings[0].code == "LS203"
    plain = keras.Sequential([keras.Input((4,)), keras.layers.Embedding(4, 2), keras.layers.Dense(3, "softmax")])
    report = lossary.diagnose("sparse_categorical_crossentropy", labels, plain.predict(x, verbose=0), model=plain)
    assert report.findings[0].code == "LS203"


@pytest.mark.parametrize(
    ("loss", "shape"), [("bce", (8, 8)), (lossary.Dice(axis=(1, 2)) + lossary.Huber(), (8, 8)), ("mse", (6,))], ids=repr
)
def test_targets_without_the_single_last_axis_of_the_outputs_are_no_mistake(loss: Any, shape: tuple[int, ...]) -> None:
    """Keras brings (N, H, W) and (N, H, W, 1) together, as it does (N, T) and (N, T, 1)."""
    rng = np.random.default_rng(0)
    x, masks = rng.normal(size=(4, *shape, 1)).astype("float32"), rng.integers(0, 2, (4, *shape)).astype("float32")
    net = Sequential([keras.Input(x.shape[1:]), keras.layers.Dense(1, "sigmoid")])
    for y_true in (masks, masks[..., None]):
        assert lossary.diagnose(loss, y_true, np.asarray(net(x)), model=net).ok
        assert lossary.diagnose(loss, y_true, model=net).ok
        examination = keras_doctor.Examination.ordered(loss, None, "raise")
        assert examination is not None
        examination.look(net, x, y_true, None)


def test_raises_before_any_step() -> None:
    wrong = model()
    wrong.compile(loss="categorical_crossentropy", optimizer="sgd", doctor="raise")
    before = wrong.get_weights()
    with pytest.raises(DiagnosisError, match="LS301"):
        wrong.fit(X, ONE_HOT, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, wrong.get_weights(), strict=True))


@pytest.mark.parametrize("activation", ["softmax", None])
def test_off_and_right_are_silent(activation: str | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DiagnosisWarning)
        wrong = model("softmax")
        wrong.compile(loss=lossary.CategoricalCrossentropy(from_logits=True), optimizer="sgd", doctor="off")
        wrong.fit(X, ONE_HOT, verbose=0)
        right = model(activation)
        loss = lossary.SparseCategoricalCrossentropy(from_logits=activation is None)
        right.compile(loss=loss, optimizer="sgd", metrics=["accuracy"], doctor="raise")
        right.fit(X, LABELS, verbose=0)


@pytest.mark.parametrize(
    ("loss", "y", "units"),
    [("crossentropy", LABELS, 3), ("crossentropy", ONE_HOT, 3), ("ce", LABELS % 2, 1), ("dice", ONE_HOT, 3)],
)
def test_names_that_only_keras_knows_are_looked_at(loss: str, y: Any, units: int) -> None:
    right = model("sigmoid" if units == 1 else "softmax", units)
    right.compile(loss=loss, optimizer="sgd", doctor="raise")
    right.fit(X, y, verbose=0)
    if loss == "dice":
        return
    wrong = model(None, units)
    wrong.compile(loss=loss, optimizer="sgd", doctor="raise")
    with pytest.raises(DiagnosisError, match=r"LS301 error: the model ends in \d linear units"):
        wrong.fit(X, y, verbose=0)


def test_an_activation_of_ones_own_is_run_and_not_guessed() -> None:
    layers = keras.layers

    def own(x: Any) -> Any:
        return keras.ops.softmax(x)

    for end in (layers.Dense(3, activation=own), layers.Lambda(own)):
        right = Sequential([keras.Input((5,)), layers.Dense(3), end])
        right.compile(loss="categorical_crossentropy", optimizer="sgd", doctor="raise")
        right.fit(X, ONE_HOT, verbose=0)
    wrong = Sequential([keras.Input((5,)), layers.Dense(3), layers.Lambda(lambda x: 9 * x)])
    wrong.compile(loss="categorical_crossentropy", optimizer="sgd", doctor="raise")
    with pytest.raises(DiagnosisError, match="LS102 error"):
        wrong.fit(X, ONE_HOT, verbose=0)


def test_a_look_that_fails_is_said_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a fault of the doctor's")

    monkeypatch.setattr(keras_doctor, "check_first_batch", broken)
    right = model("softmax")
    right.compile(loss="categorical_crossentropy", optimizer="sgd", doctor="raise")
    with pytest.warns(DiagnosisWarning) as caught:
        right.fit(X, ONE_HOT, verbose=0)
    assert Path(caught[0].filename) == Path(__file__)
    assert str(caught[0].message) == (
        "the doctor could not look at the first batch: RuntimeError: a fault of the doctor's. Training goes on. To "
        "look by hand: print(lossary.diagnose(loss, y_true, y_pred, model=model)). To train without this line: "
        "doctor='off'"
    )


def test_metrics_and_keras_losses_are_looked_at() -> None:
    wrong = model(units=1)
    wrong.compile(
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        optimizer="sgd",
        metrics=["binary_accuracy"],
        doctor="raise",
    )
    with pytest.raises(DiagnosisError, match="LS401"):
        wrong.fit(X, (LABELS > 0).astype("float32"), verbose=0)


def test_a_subclassed_model_is_run_on_the_first_rows() -> None:
    class Own(Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.last = keras.layers.Dense(3, activation="softmax")

        def call(self, x: Any) -> Any:
            return self.last(x)

    own = Own()
    own.compile(loss=lossary.CategoricalCrossentropy(from_logits=True), optimizer="sgd", doctor="raise")
    with pytest.raises(DiagnosisError, match="LS101"):
        own.fit(X, ONE_HOT, verbose=0)


def test_unknown_mode() -> None:
    with pytest.raises(lossary.ParameterError, match="'warn', 'raise' and 'off'"):
        model().compile(loss="mse", optimizer="sgd", doctor="loud")


def test_saved_models_fit_again(tmp_path: Path) -> None:
    right = model("softmax")
    right.compile(loss="categorical_crossentropy", optimizer="sgd", doctor="raise")
    right.fit(X, ONE_HOT, verbose=0)
    right.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert np.isfinite(loaded.fit(X, ONE_HOT, verbose=0).history["loss"][0])
