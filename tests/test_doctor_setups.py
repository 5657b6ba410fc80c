"""No false alarms: correct set-ups on Keras and torch, before and after training."""

from __future__ import annotations

import numpy as np
import pytest

import lossary
from setups import SETUPS, Setup, keras_outputs, torch_outputs

KERAS = [s for s in SETUPS if s.only != "torch"]
TORCH = [s for s in SETUPS if s.only != "keras"]
pytestmark = pytest.mark.usefixtures("formula_in")


def test_there_are_enough_setups() -> None:
    assert len(KERAS) >= 40
    assert len(TORCH) >= 40


@pytest.mark.parametrize("setup", KERAS, ids=lambda s: s.name)
def test_keras_setup_is_clean(setup: Setup) -> None:
    model, y_pred = keras_outputs(setup)
    report = lossary.diagnose(setup.loss, setup.y_true, y_pred, model=model, metrics=list(setup.metrics))
    assert report.ok, str(report)
    assert lossary.diagnose(setup.loss, setup.y_true, model=model).ok
    assert lossary.diagnose(setup.loss, setup.y_true, y_pred).ok
    assert lossary.diagnose(setup.loss, setup.y_true[:32], y_pred[:32]).ok


@pytest.mark.parametrize("setup", TORCH, ids=lambda s: s.name)
def test_torch_setup_is_clean(setup: Setup) -> None:
    import torch

    model, y_pred = torch_outputs(setup)
    y_true = torch.as_tensor(np.asarray(setup.y_true))
    report = lossary.diagnose(setup.loss, y_true, y_pred, model=model, metrics=list(setup.metrics))
    assert report.ok, str(report)
    assert lossary.diagnose(setup.loss, y_true, y_pred).ok


@pytest.mark.parametrize("scale", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("setup", [s for s in KERAS if isinstance(s.loss, lossary.Loss) and s.y_true.ndim < 3])
def test_good_predictions_are_clean(setup: Setup, scale: float) -> None:
    """Outputs of a model that has learnt: scores that favour the target, at several degrees of confidence."""
    rng = np.random.default_rng(5)
    y_true = np.asarray(setup.y_true)
    if setup.loss.record.labels_are_integers:
        scores = np.eye(setup.units)[np.maximum(y_true.reshape(-1).astype(int), 0)] - 0.5
    elif setup.loss.record.target.coding == "numbers":
        assert lossary.diagnose(setup.loss, y_true, y_true + 0.1 * rng.normal(size=y_true.shape)).ok
        return
    else:
        scores = y_true.reshape(len(y_true), -1) - 0.5
    scores = scale * (2 * scores + 0.5 * rng.normal(size=scores.shape))
    activated = {
        "linear": scores,
        "softmax": np.exp(scores) / np.exp(scores).sum(-1, keepdims=True),
        "log_softmax": scores - np.log(np.exp(scores).sum(-1, keepdims=True)),
        "sigmoid": 1 / (1 + np.exp(-scores)),
    }
    report = lossary.diagnose(setup.loss, setup.y_true, activated[setup.activation].astype("float32"))
    assert report.ok, str(report)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_rounding_of_half_precision_is_no_finding(dtype: str) -> None:
    """A softmax over 300 classes, rounded to half precision, sums to 1 only roughly."""
    import torch

    scores = torch.as_tensor(np.random.default_rng(2).normal(size=(64, 300)))
    labels = torch.arange(64)
    report = lossary.diagnose(
        lossary.SparseCategoricalCrossentropy(), labels, scores.softmax(-1).to(getattr(torch, dtype))
    )
    assert report.ok, str(report)
