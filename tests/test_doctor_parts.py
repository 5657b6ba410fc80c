"""The doctor on losses that read several numbers per target, rows for one target, or arguments of their own."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np
import pytest
import torch

import lossary
from inputs import EVERY_SETTING, Setting, few
from lossary.doctor import DiagnosisError, DiagnosisWarning
from lossary.doctor.examples import dense, names
from lossary.keras import Model

NS = names()
REALS, SCORES, BOXES = NS["reals"], NS["scores"], NS["boxes"]
# Interval, event and fraction of 200 times.
TIMES = np.stack([np.arange(200) % 5, np.arange(200) % 2, np.full(200, 0.25)], -1)
# Values outside of what a loss reads.
OUTSIDE = {"LS001", "LS102", "LS103", "LS110", "LS202", "LS203", "LS206"}
X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = X[:, 0] - X[:, 1]
Dense, Concatenate = keras.layers.Dense, keras.layers.Concatenate


def codes(*arguments: Any, **settings: Any) -> set[str]:
    return {finding.code for finding in lossary.diagnose(*arguments, **settings).at_least("warning")}


# --- the output layer -----------------------------------------------------------------------------------------------


def fitted(outputs: Any, loss: Any, y: Any, x: Any = X) -> None:
    """Trains one epoch; the doctor raises where it has something to say."""
    inputs = keras.Input(x.shape[1:])
    model = Model(inputs, outputs(inputs))
    model.compile(loss=loss, optimizer="sgd", doctor="raise")
    with warnings.catch_warnings():
        warnings.simplefilter("error", DiagnosisWarning)
        model.fit(x, y, verbose=0)


def mean_and_variance(x: Any) -> Any:
    return Concatenate()([Dense(1)(x), Dense(1, activation="softplus")(x)])


IMAGES = X[:, :, None, None] * np.ones((1, 1, 4, 1), "float32")
MASKS = (IMAGES > 0.3).astype("float32")


@pytest.mark.parametrize(
    ("outputs", "loss", "y", "x"),
    [
        (mean_and_variance, "gaussian_nll", Y, X),
        (mean_and_variance, lossary.gaussian_nll, Y[:, None], X),
        (Dense(2), "interval_score", Y, X),
        (Dense(5), lossary.CRPSEnsemble(), Y, X),
        (Dense(5), "crps", Y[:, None], X),
        (Dense(5), "pairwise_logistic", np.tile([0.0, 1.0, 2.0, 0.0, 3.0], (16, 1)), X),
        (lambda x: -Dense(2, activation="softplus")(x), lossary.dpo, np.full((16, 2), -1.0), X),
        (lambda x: keras.layers.Reshape((3, 4))(Dense(12)(x)), "triplet_margin", np.zeros(16), X),
        (Dense(4), "generalized_iou", np.tile([0.0, 0.0, 1.0, 1.0], (16, 1)), X),
        (Dense(1, activation="sigmoid"), lossary.Dice(axis=(1, 2)), MASKS, IMAGES),
        (Dense(1, activation="sigmoid"), 0.5 * lossary.Dice(axis=None) + lossary.BinaryCrossentropy(), MASKS, IMAGES),
        (Dense(1), lossary.Tversky(axis=(1, 2), from_logits=True), MASKS, IMAGES),
    ],
)
def test_what_is_right_trains_in_silence(outputs: Any, loss: Any, y: Any, x: Any) -> None:
    fitted(outputs, loss, y, x)


@pytest.mark.parametrize("units", [1, 2])
def test_keras_is_told_units_and_activations_of_parts(units: int) -> None:
    with pytest.raises(DiagnosisError, match=r"linear for mean, softplus for variance") as caught:
        fitted(Dense(units), "gaussian_nll", Y)
    (finding,) = caught.value.report.findings
    assert finding.code == ("LS302" if units == 1 else "LS301")


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("loss", ["gaussian_nll", "interval_score"])
def test_the_line_that_is_written_trains(loss: str, columns: int) -> None:
    y = np.stack([Y] * columns, 1)
    (finding,) = lossary.diagnose(loss, y, model=dense(1, "linear")).findings
    assert finding.code == "LS302"
    x = keras.Input((3,))
    scope: dict[str, Any] = {"keras": keras, "x": x}
    if finding.remedy.startswith("keras."):
        layers = eval(f"[{finding.remedy.partition('#')[0]}]", scope)
        scope["y_pred"] = keras.Sequential(layers)(x)
    else:
        exec(finding.remedy, scope)
    fitted(keras.Model(x, scope["y_pred"]), loss, y)


def test_pytorch_is_told_in_its_own_lines() -> None:
    report = lossary.diagnose("gaussian_nll", torch.as_tensor(REALS), model=torch.nn.Sequential(torch.nn.Linear(3, 1)))
    scope: dict[str, Any] = {"torch": torch, "x": torch.as_tensor(X), "features": 3}
    exec(report.findings[0].remedy, scope)
    y_pred = scope["y_pred"]
    assert y_pred.shape == (16, 1, 2)
    assert (y_pred[..., 1] > 0).all()


@pytest.mark.parametrize(
    ("y_true", "head", "said"),
    [
        (np.tile(REALS, 3), dense(2, "softplus"), set()),  # The rank of the outputs is not known.
        (np.abs(REALS), dense(2, "softplus"), set()),
        (REALS, dense(2, "softplus"), {"LS304"}),
        (np.abs(REALS), dense(3, "softplus"), {"LS302"}),
    ],
)
def test_heads_of_parts(y_true: Any, head: Any, said: set[str]) -> None:
    assert codes("gaussian_nll", abs(y_true) if not said else y_true, model=head) == said


def test_an_axis_of_parts_that_is_missing_is_named() -> None:
    model = keras.Sequential([keras.Input((3,)), Dense(2, activation="softplus")])
    (finding,) = lossary.diagnose("gaussian_nll", np.abs(np.tile(REALS, 3)), model=model).findings
    assert finding.code == "LS302"
    assert "(N, 3, 2)" in finding.message


# --- the arrays -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "y_true", "y_pred"),
    [
        ("gaussian_nll", REALS, (REALS, np.exp(REALS))),
        ("gaussian_nll", REALS[:, 0], np.concatenate([REALS, np.exp(REALS)], 1)),
        ("gaussian_nll", torch.as_tensor(REALS), (torch.as_tensor(REALS), torch.as_tensor(REALS).exp())),
        ("triplet_margin", None, (SCORES, SCORES + 0.1, -SCORES)),
        ("triplet_margin", np.full(200, np.nan), np.stack([SCORES, SCORES + 0.1, -SCORES], 1)),
        ("dpo", np.full((200, 2), -9.0), -9.0 - abs(SCORES[:, :2])),
        ("crps", REALS[:, 0], SCORES),
        ("pairwise_logistic", np.abs(SCORES).round(), SCORES),
    ],
)
def test_right_arrays_of_other_arguments_are_clean(loss: str, y_true: Any, y_pred: Any) -> None:
    report = lossary.diagnose(loss, y_true, y_pred)
    assert report.ok, str(report)
    assert not [finding for finding in report.findings if finding.code != "LS120"]


NAMED = [setting for setting in EVERY_SETTING if setting.record.has_usual_names]


@pytest.mark.parametrize("setting", few(lambda setting: not setting.record.is_pair, NAMED), ids=str)
def test_arguments_out_of_their_own_sets_are_within_them(setting: Setting) -> None:
    """Each part by its own set: places among amounts, fractions beside labels."""
    y_true, y_pred = setting.draw(np.random.default_rng(0), (40, 5))
    assert codes(setting.configured(), y_true, y_pred).isdisjoint(OUTSIDE)


@pytest.mark.parametrize(
    ("loss", "y_true", "y_pred", "code", "said"),
    [
        ("gaussian_nll", REALS, np.stack([REALS, REALS], -1), "LS001", "y_pred's variance[0, 0]"),
        ("gaussian_nll", REALS, REALS, "LS001", "(mean, variance) along the last axis"),
        ("lognormal_nll", np.exp(REALS), np.stack([REALS, REALS], -1), "LS001", "y_pred's sigma[0, 0]"),
        ("pc_hazard", TIMES + np.eye(3)[0], SCORES, "LS203", "y_true[4, 0] = 5 is no label; accepted are 0 to 4"),
        ("triplet_margin", None, SCORES, "LS001", "anchor, positive, negative along axis -2"),
        ("triplet_margin", None, (SCORES, SCORES, SCORES * np.nan), "LS106", "y_pred[0, 2, 0] = nan"),
        ("dpo", np.zeros((200, 3)), SCORES[:, :2], "LS001", "reference_chosen, reference_rejected"),
        ("crps", REALS[:, 0], np.ones((200, 5)), "LS105", "all 200 rows of y_pred are equal"),
        (lossary.Dice(axis=(1, 2)), MASKS, MASKS * 3.0 - 1.0, "LS102", "is no probability"),
        (lossary.Dice(axis=(1, 2)), 255 * MASKS, MASKS, "LS206", "an 8-bit mask"),
    ],
)
def test_wrong_arrays_of_other_arguments_are_named(loss: Any, y_true: Any, y_pred: Any, code: str, said: str) -> None:
    found = {finding.code: finding for finding in lossary.diagnose(loss, y_true, y_pred).findings}
    assert said in found[code].message
    compile(found[code].remedy, code, "exec")
    assert "logarithm" not in found[code].message
    if code == "LS102":
        assert found[code].remedy.startswith("loss = lossary.Dice(from_logits=True, axis=(1, 2))")


@pytest.mark.parametrize(
    ("loss", "y_true", "y_pred", "reason"),
    [
        ("triplet_margin", None, (SCORES, SCORES, SCORES), "triplet_margin has no targets; a model's y_true is not"),
        ("dpo", np.zeros((200, 2)), SCORES[:, :2], "y_true holds reference_chosen, reference_rejected"),
        ("gaussian_nll", REALS, (REALS, np.exp(REALS)), "gaussian_nll reads (mean, variance) for each target"),
    ],
)
def test_what_is_not_compared_is_said(loss: str, y_true: Any, y_pred: Any, reason: str) -> None:
    lines = lossary.diagnose(loss, y_true, y_pred).not_checked
    (told,) = [line for line in lines if reason in line]
    assert "LS105" in told


def test_an_overlap_is_no_entropy() -> None:
    """Neither a base rate to expect nor a rare class: Dice does not add up over the elements."""
    rare = (np.random.default_rng(1).random((200, 9)) < 0.02) * 1.0
    report = lossary.diagnose(lossary.Dice(), rare, 0.5 + 0.0 * rare + 0.01 * SCORES[:, :1])
    assert report.ok, str(report)
    assert not any("expected before training" in fact for fact in report.facts)
    assert any("expected before training" in f for f in lossary.diagnose("bce", rare, 0.5 + 0.0 * rare).facts)
