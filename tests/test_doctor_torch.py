"""The doctor on losses of PyTorch: what PyTorch refuses or makes NaN of, with a line that mends it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import lossary
import lossary.torch
from lossary.doctor import DiagnosisWarning
from lossary.doctor.examples import names

NS = names()
SCORES, LABELS = torch.tensor(NS["scores"]), torch.tensor(NS["labels"]).long()
MARGINS, BITS = torch.tensor(NS["margins"]), torch.tensor(NS["bits"])
CE, BCE, LOGITS = nn.CrossEntropyLoss(), nn.BCELoss(), nn.BCEWithLogitsLoss()

# Loss, y_true, y_pred: PyTorch raises on each of them, and some line of ours mends each.
REFUSED: dict[str, tuple[Any, Any, Any]] = {
    "a column of labels": (CE, LABELS[:, None], SCORES),
    "short labels": (CE, LABELS.int(), SCORES),
    "a column of short labels": (CE, LABELS[:, None].int(), SCORES),
    "short labels of NumPy": (CE, LABELS.int().numpy(), SCORES.numpy()),
    "short labels for log-probabilities": (nn.NLLLoss(), LABELS.int(), SCORES.log_softmax(1)),
    "whole numbers for probabilities": (BCE, BITS.long(), torch.sigmoid(MARGINS)),
    "another float": (BCE, BITS.float(), torch.sigmoid(MARGINS)),
    "whole numbers for scores": (LOGITS, BITS.long(), MARGINS),
    "a row for a column": (LOGITS, BITS[:, 0], MARGINS),
    "a function": (nn.functional.binary_cross_entropy, BITS[:, 0], torch.sigmoid(MARGINS)),
    "labels of another column, whole": (nn.L1Loss(), BITS.bool(), MARGINS),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_pytorch_refuses_is_an_error_with_the_line_that_mends_it(name: str) -> None:
    loss, y_true, y_pred = REFUSED[name]
    with pytest.raises((RuntimeError, ValueError)):
        loss(torch.as_tensor(y_pred), torch.as_tensor(y_true))
    (finding,) = lossary.diagnose(loss, y_true, y_pred).findings
    assert (finding.code, finding.severity) == ("LS001", "error")
    scope = {"y_true": y_true, "y_pred": y_pred, "torch": torch}
    exec(finding.remedy, scope)
    assert torch.isfinite(loss(torch.as_tensor(y_pred), scope["y_true"]))
    assert not lossary.diagnose(loss, scope["y_true"], y_pred).findings


def test_labels_that_are_all_left_out_make_the_mean_nan() -> None:
    for loss, scores in ((CE, SCORES), (nn.NLLLoss(), SCORES.log_softmax(1))):
        finding = lossary.diagnose(loss, torch.full_like(LABELS, -100), scores).findings[0]
        assert finding.code == "LS001"
        assert "gives NaN: every label is ignore_index=-100" in finding.message
    total = lossary.diagnose(nn.CrossEntropyLoss(reduction="sum"), torch.full_like(LABELS, -100), SCORES)
    assert not total.at_least("error")  # The sum of nothing is 0.


def test_what_pytorch_takes_is_no_finding() -> None:
    taken = [
        (CE, LABELS, SCORES),
        (CE, LABELS.to(torch.uint8), SCORES),
        (CE, LABELS.numpy(), SCORES.float()),
        (BCE, BITS.double(), torch.sigmoid(MARGINS)),
        (BCE, BITS.numpy(), torch.sigmoid(MARGINS).float()),
        (nn.SmoothL1Loss(beta=0.0), MARGINS, MARGINS + 0.1),
        (nn.MSELoss(), MARGINS.double(), (MARGINS + 0.1).float()),
    ]
    for loss, y_true, y_pred in taken:
        assert not lossary.diagnose(loss, y_true, y_pred).findings, loss


def test_smooth_l1_without_a_bend_is_the_absolute_error() -> None:
    report = lossary.diagnose(nn.SmoothL1Loss(beta=0.0), MARGINS, MARGINS + 0.5)
    assert "these outputs: 0.5" in report.facts
    assert not lossary.diagnose(nn.HuberLoss(delta=0.0), MARGINS, MARGINS).ok  # PyTorch raises.


def test_guard_takes_arguments_by_name() -> None:
    loss = lossary.torch.guard(CE)
    assert loss(input=SCORES, target=LABELS) == CE(SCORES, LABELS)
    assert loss.report.ok
    loss = lossary.torch.guard(CE)
    assert loss(SCORES, target=LABELS) == CE(SCORES, LABELS)
    shares, cross_entropy = torch.sigmoid(MARGINS), nn.functional.cross_entropy
    for function, given in ((nn.functional.binary_cross_entropy, shares),
                            (torch.binary_cross_entropy_with_logits, MARGINS)):  # fmt: skip
        loss = lossary.torch.guard(function)
        torch.testing.assert_close(loss(given, BITS.double()), function(given, BITS.double()), rtol=0, atol=0)
        assert loss.report.ok
    smoothed = partial(cross_entropy, label_smoothing=0.5)
    for call in (lossary.torch.guard(smoothed), partial(lossary.torch.guard(cross_entropy), label_smoothing=0.5)):
        assert call(input=SCORES, target=LABELS) == smoothed(SCORES, LABELS)
    ours = lossary.torch.guard("mean_squared_error")
    assert ours(y_pred=MARGINS, y_true=MARGINS + 1).item() == pytest.approx(1.0)
    assert ours(MARGINS, MARGINS + 2, sample_weight=torch.ones(len(MARGINS))).item() == pytest.approx(4.0)

    class Variadic(nn.Module):
        def forward(self, *tensors: Any) -> Any:
            return CE(*tensors) if len(tensors) == 2 else tensors[0].mean()

    loss = lossary.torch.guard(Variadic())
    assert loss(SCORES, LABELS) == CE(SCORES, LABELS)
    with pytest.warns(DiagnosisWarning, match="called with a single argument"):
        assert lossary.torch.guard(Variadic())(SCORES) == SCORES.mean()
    with pytest.raises(TypeError, match="target"):
        lossary.torch.guard(CE)(SCORES)


@pytest.mark.parametrize("y_true", [np.array(["cat", "dog"]), ["cat", "dog"], [None, 1.0], np.array([1j])], ids=str)
def test_targets_that_hold_no_numbers_are_told_without_predictions(y_true: Any) -> None:
    (finding,) = lossary.diagnose("sparse_categorical_crossentropy", y_true).findings
    assert finding.code == "LS001"
    assert "sparse_categorical_crossentropy: y_true" in finding.message


def test_margins_that_cannot_fall_below_zero() -> None:
    signs, shares = NS["bits"] * 2 - 1, 1 / (1 + np.exp(-NS["margins"]))
    for loss in ("hinge", "squared_hinge"):
        (finding,) = lossary.diagnose(loss, signs, shares).findings
        assert (finding.code, finding.severity) == ("LS112", "warning")
        assert not lossary.diagnose(loss, signs, NS["margins"]).findings
        assert "LS112" not in {f.code for f in lossary.diagnose(loss, np.ones_like(signs), shares).findings}
    # Distances never fall below 0, and strangers are met from a distance of 1 on.
    assert not lossary.diagnose("hinge_embedding", signs, shares).findings


def test_modules_of_ours_are_run_on_the_data_too() -> None:
    labels, scores = torch.tensor([[0], [2]]), torch.zeros(2, 3)
    report = lossary.diagnose(lossary.torch.CrossEntropyLoss(), labels, scores)
    assert [finding.code for finding in report.findings] == ["LS001"]
    assert "CrossEntropyLoss raises ShapeError" in str(report)
    assert "y_true = y_true.squeeze(1)" in str(report)
    assert lossary.diagnose(lossary.torch.CrossEntropyLoss(), labels[:, 0], scores).ok


@pytest.mark.parametrize("wrap", ["guard", "compile", "DataParallel"])
@pytest.mark.parametrize("home", ["ours", "torch"])
def test_what_holds_a_module_keeps_its_order(wrap: str, home: str) -> None:
    import lossary.torch

    module = {"ours": lossary.torch, "torch": torch.nn}[home].CrossEntropyLoss()
    makers = {"guard": lossary.torch.guard, "compile": torch.compile, "DataParallel": torch.nn.DataParallel}
    held = makers[wrap](module)
    labels, scores = torch.tensor([0, 2]), torch.zeros(2, 3)
    assert repr(lossary.diagnose(held, labels, scores)) == repr(lossary.diagnose(module, labels, scores))
    assert [f.code for f in lossary.diagnose(held, labels[:, None], scores).findings] == ["LS001"]
    assert lossary.verify(held).loss == lossary.verify(module).loss
    if wrap == "guard":  # Its own look is still ahead.
        assert held.report is None
        assert float(held(scores, labels)) == pytest.approx(np.log(3.0))
        assert held.report.ok
