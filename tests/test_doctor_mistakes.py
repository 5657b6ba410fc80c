"""Mistakes users make: none may pass in silence, so either the call raises or the doctor speaks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lossary
from lossary.doctor.examples import dense, names

NS = names()
LABELS, ONE_HOT, SCORES, BITS, MARGINS = (NS[k] for k in ("labels", "one_hot", "scores", "bits", "margins"))
REALS, NOISE, COUNTS = NS["reals"], NS["noise"], NS["counts"]
SOFT, SIG = NS["softmax"], NS["sigmoid"]
P, Q = SOFT(SCORES), SIG(MARGINS)
CCE, SCCE, BCE = lossary.CategoricalCrossentropy, lossary.SparseCategoricalCrossentropy, lossary.BinaryCrossentropy
LOGITS = {"from_logits": True}


def with_(array: Any, index: Any, value: float) -> Any:
    changed = np.array(array, dtype=float)
    changed[index] = value
    return changed


MISTAKES: dict[str, tuple[Any, ...]] = {
    # shapes
    "columns differ": ("mse", REALS, np.ones((200, 3))),
    "rows differ": ("mse", REALS, REALS[:100]),
    "(N,) against (N, C)": ("mse", REALS[:, 0], np.ones((200, 3))),
    "(N, 1) against (1, N)": ("mse", REALS, REALS.T),
    "scalar target": ("mse", 1.0, REALS),
    "extra axis": ("mse", REALS[:, :, None], REALS),
    "empty batch": ("mse", REALS[:0], REALS[:0]),
    "one-hot transposed": (CCE(), ONE_HOT.T, P),
    "labels of another length": (SCCE(), LABELS[:50], P),
    "labels with two columns": (SCCE(), np.stack([LABELS, LABELS], 1), P),
    "channels first, labels last": (SCCE(**LOGITS), np.zeros((4, 8, 8), int), np.ones((4, 5, 8, 8))),
    "bits against two units": (BCE(), BITS, SOFT(NS["two_scores"])),
    "ragged lists": ("mse", [[1.0], [1.0, 2.0]], [[1.0], [2.0]]),
    # kinds of number
    "strings": ("mse", np.array(["a", "b"]), np.ones(2)),
    "string labels": (SCCE(), np.array(["cat", "dog"] * 100), P),
    "complex": ("mse", REALS, REALS + 1j),
    "objects": ("mse", np.array([None, 1.0], object), np.ones(2)),
    # coding of labels
    "integers into categorical": (CCE(), LABELS, P),
    "integer column into categorical": (CCE(), LABELS[:, None], P),
    "integers into categorical hinge": ("categorical_hinge", LABELS, SCORES),
    "integers into kl": ("kl_divergence", LABELS, P),
    "one-hot into sparse": (SCCE(), ONE_HOT, P),
    "one-hot integers into sparse": (SCCE(), ONE_HOT.astype(int), P),
    "labels from 1": (SCCE(), LABELS + 1, P),
    "label -1": (SCCE(), with_(LABELS, 3, -1), P),
    "label -100": (SCCE(**LOGITS), with_(LABELS, 3, -100), SCORES),
    "label far beyond": (SCCE(), with_(LABELS, 3, 255), P),
    "fractional label": (SCCE(), LABELS + 0.5, P),
    "NaN label": (SCCE(), with_(LABELS, 3, np.nan), P),
    "class numbers into binary": (BCE(), LABELS[:, None], Q),
    "signs into binary": (BCE(), 2 * BITS - 1, Q),
    "codes 1 and 2 into binary": (BCE(), BITS + 1, Q),
    "0/255 mask": (BCE(), 255 * BITS, Q),
    "0/255 mask, uint8": (BCE(), (255 * BITS).astype("uint8"), Q),
    "classes into hinge": ("hinge", LABELS[:, None], MARGINS),
    "percent into binary": (BCE(), 100 * Q, Q),
    "multi-label into softmax": (CCE(), NS["multi_label"], P),
    "rows without a class": (CCE(), with_(ONE_HOT, 3, 0.0), P),
    "unnormalised soft labels": (CCE(), 2 * P, P),
    "smoothed twice": (CCE(label_smoothing=0.1), 0.9 * ONE_HOT + 0.02, P),
    "smoothed twice, binary": (BCE(label_smoothing=0.1), 0.9 * BITS + 0.05, Q),
    # outputs
    "logits into categorical": (CCE(), ONE_HOT, SCORES),
    "logits into sparse": (SCCE(), LABELS, SCORES),
    "logits into binary": (BCE(), BITS, MARGINS),
    "logits into kl": ("kl_divergence", P, SCORES),
    "softmax twice": (CCE(**LOGITS), ONE_HOT, P),
    "softmax twice, sparse": (SCCE(**LOGITS), LABELS, P),
    "sigmoid twice": (BCE(**LOGITS), BITS, Q),
    "sigmoids in categorical": (CCE(), ONE_HOT, SIG(SCORES)),
    "softmax over the batch": (CCE(), ONE_HOT, SOFT(SCORES, axis=0)),
    "softmax over one unit": (BCE(), BITS, SOFT(MARGINS)),
    "one unit in categorical": (SCCE(), BITS[:, 0].astype(int), Q),
    "two-unit softmax in binary": (BCE(), np.eye(2)[BITS[:, 0].astype(int)], SOFT(NS["two_scores"])),
    "decisions in place of probabilities": (BCE(), BITS, (Q > 0.5).astype(float)),
    "classes in place of scores": (SCCE(), LABELS, LABELS),
    "log-probabilities": (CCE(), ONE_HOT, np.log(P)),
    "percent outputs": (BCE(), BITS, 100 * Q),
    "NaN output": ("mse", REALS, with_(REALS, 7, np.nan)),
    "infinite output": ("mse", REALS, with_(REALS, 7, np.inf)),
    "dead model": ("mse", REALS, 0 * REALS + 3),
    "collapsed onto a class": (CCE(), ONE_HOT, SOFT(SCORES + 9 * np.eye(5)[2])),
    "y_true and y_pred swapped": (SCCE(), P, LABELS),
    "swapped, binary from scores": (BCE(), MARGINS, BITS),
    "shuffled classes": (CCE(), np.roll(ONE_HOT, 1, 1), SOFT(9 * SCORES)),
    # values of targets
    "NaN target": ("mse", with_(REALS, 7, np.nan), REALS),
    "NaN target, mae": ("mae", with_(REALS, 7, np.nan), REALS),
    "negative counts": ("poisson", COUNTS - 4, COUNTS + 1),
    "negative rate": ("poisson", COUNTS, REALS),
    "negative amounts": ("msle", REALS - 2, np.abs(REALS)),
    "negative outputs of msle": ("msle", np.abs(REALS), REALS),
    "zeros in mape": ("mape", with_(np.abs(REALS) + 1, slice(0, 9), 0.0), np.abs(REALS)),
    "prices under mse": ("mse", 1e4 * REALS + 2e5, 1e4 * REALS + 2e5),
    "outliers under mse": ("mse", NS["with_outliers"], REALS),
    "rare class": (BCE(), NS["rare_bits"], NS["rare_probabilities"]),
    "constant target": ("mse", 0 * REALS, REALS),
}  # fmt: skip

WITH_MODEL: dict[str, tuple[Any, Any, Any]] = {
    "linear head, probabilities wanted": (CCE(), ONE_HOT, dense(5, "linear")),
    "softmax head, scores wanted": (CCE(**LOGITS), ONE_HOT, dense(5, "softmax")),
    "sigmoid head, scores wanted": (BCE(**LOGITS), BITS, dense(1, "sigmoid")),
    "relu head in front of binary": (BCE(), BITS, dense(1, "relu")),
    "relu scores": (BCE(**LOGITS), BITS, dense(1, "relu")),
    "softmax over one unit": (BCE(), BITS, dense(1, "softmax")),
    "one unit for classes": (SCCE(), LABELS, dense(1, "sigmoid")),
    "too few units": (SCCE(), LABELS, dense(3, "softmax")),
    "too many units": (CCE(), ONE_HOT, dense(10, "softmax")),
    "two units, one target": (BCE(), BITS, dense(2, "softmax")),
    "softmax for multi-label": (BCE(), NS["multi_label"], dense(5, "softmax")),
    "sigmoid for one class of many": (CCE(), ONE_HOT, dense(5, "sigmoid")),
    "linear head for counts": ("poisson", COUNTS, dense(1, "linear")),
    "sigmoid for counts": ("poisson", COUNTS, dense(1, "sigmoid")),
    "relu for negative targets": ("mse", REALS, dense(1, "relu")),
    "sigmoid for large targets": ("mse", 10 * np.abs(REALS), dense(1, "sigmoid")),
    "tanh for large targets": ("mae", 10 * REALS, dense(1, "tanh")),
    "sigmoid under hinge": ("hinge", 2 * BITS - 1, dense(1, "sigmoid")),
}  # fmt: skip


def raises(loss: Any, y_true: Any, y_pred: Any) -> bool:
    try:
        lossary.get(loss)(y_true, y_pred)
    except lossary.LossError:
        return True
    return False


def test_there_are_as_many_as_the_peers_were_tried_with() -> None:
    assert len(MISTAKES) + len(WITH_MODEL) >= 69


@pytest.mark.usefixtures("formula_in")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_no_mistake_is_silent(mistake: str) -> None:
    loss, y_true, y_pred = MISTAKES[mistake]
    report = lossary.diagnose(loss, y_true, y_pred)
    assert not report.ok, str(report)
    errors = [finding for finding in report.findings if finding.severity == "error"]
    if raises(loss, y_true, y_pred):
        assert errors, "the loss refuses what the doctor only warns of"


@pytest.mark.parametrize("mistake", WITH_MODEL)
def test_no_wrong_head_is_silent(mistake: str) -> None:
    loss, y_true, head = WITH_MODEL[mistake]
    assert not lossary.diagnose(loss, y_true, model=head).ok


def test_two_frameworks_in_one_call_are_a_finding() -> None:
    import jax.numpy as jnp
    import torch

    assert not lossary.diagnose("mse", REALS, torch.as_tensor(REALS + NOISE)).findings  # NumPy joins any.
    report = lossary.diagnose("mse", jnp.asarray(REALS), torch.as_tensor(REALS))
    assert [finding.code for finding in report.findings] == ["LS001"]
    assert "BackendError" in report.findings[0].message
