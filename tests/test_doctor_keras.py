"""``compile(..., doctor=...)``: the first ``fit`` begins with a look, the others do not."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lossary
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
