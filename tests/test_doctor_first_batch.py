"""The doctor at the first batch: warn, raise or be silent, and then be out of the way."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lossary
import lossary.torch
from lossary.doctor import DiagnosisError, DiagnosisWarning, check_first_batch

ONE_HOT = np.eye(3)[[0, 1, 2, 0]]
PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.5, 0.3, 0.2]])
DOUBLE = lossary.CategoricalCrossentropy(from_logits=True)


def test_warn_names_the_users_line() -> None:
    with pytest.warns(DiagnosisWarning, match="LS101 error") as caught:
        report = check_first_batch(DOUBLE, ONE_HOT, PROBABILITIES)
    assert report is not None
    assert not report.ok
    assert Path(caught[0].filename) == Path(__file__)
    assert "lossary.diagnose(" in str(caught[0].message)


def test_raise_carries_the_report() -> None:
    with pytest.raises(DiagnosisError, match="LS101") as caught:
        check_first_batch(DOUBLE, ONE_HOT, PROBABILITIES, doctor="raise")
    assert caught.value.report.findings[0].code == "LS101"
    assert isinstance(caught.value, lossary.LossError)


def test_off_and_clean_are_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_first_batch(DOUBLE, ONE_HOT, PROBABILITIES, doctor="off") is None
        report = check_first_batch(lossary.CategoricalCrossentropy(), ONE_HOT, PROBABILITIES, doctor="raise")
    assert report is not None
    assert report.ok


def test_notes_are_not_worth_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = check_first_batch("hinge", [[0.0], [1.0]], [[-0.3], [0.4]])
    assert report is not None
    assert [finding.severity for finding in report.findings] == ["note"]


def test_unknown_mode() -> None:
    with pytest.raises(lossary.ParameterError, match="accepted are 'warn', 'raise' and 'off'"):
        check_first_batch(DOUBLE, ONE_HOT, PROBABILITIES, doctor="loud")  # type: ignore[arg-type]


def tensors() -> tuple[Any, Any]:
    return torch.tensor(ONE_HOT), torch.tensor(PROBABILITIES, requires_grad=True)


def test_guard_looks_once_and_gets_out_of_the_way() -> None:
    y_true, y_pred = tensors()
    loss = lossary.torch.guard(DOUBLE)
    with pytest.warns(DiagnosisWarning, match="LS101") as caught:
        first = loss(y_true, y_pred)
    assert Path(caught[0].filename) == Path(__file__)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = loss(y_true, y_pred)
    assert first.item() == second.item() == DOUBLE(y_true, y_pred).item()
    assert loss._call is loss.loss
    first.backward()
    assert y_pred.grad is not None


def test_guard_passes_weights_on() -> None:
    y_true, y_pred = tensors()
    weights, y_pred = torch.tensor([1.0, 0.0, 0.0, 0.0]), y_pred.detach()
    loss = lossary.torch.guard("categorical_crossentropy")
    assert float(loss(y_true, y_pred, sample_weight=weights)) == pytest.approx(-np.log(0.7) / 4)
    assert loss.report.ok


def test_guard_of_a_torch_loss_keeps_torchs_order() -> None:
    labels = torch.tensor([0, 1, 2, 0])
    loss = lossary.torch.guard(torch.nn.CrossEntropyLoss())
    with pytest.warns(DiagnosisWarning, match="LS101"):
        value = loss(torch.tensor(PROBABILITIES), labels)
    assert float(value) == pytest.approx(float(torch.nn.CrossEntropyLoss()(torch.tensor(PROBABILITIES), labels)))


@pytest.mark.parametrize(("weight", "code"), [(0.1, "LS301"), (-0.5, "LS102")])
def test_guard_reads_the_model_and_raises(weight: float, code: str) -> None:
    """Scores that happen to lie in [0, 1] are known by the layer they come from."""
    model = torch.nn.Sequential(torch.nn.Linear(2, 3))
    torch.nn.init.constant_(model[0].weight, weight)
    torch.nn.init.constant_(model[0].bias, 0.1)
    loss = lossary.torch.guard(lossary.CategoricalCrossentropy(), model=model, doctor="raise")
    with pytest.raises(DiagnosisError, match=f"{code} error"):
        loss(torch.tensor(ONE_HOT, dtype=torch.float32), model(torch.ones(4, 2)))


def test_guard_of_nonsense() -> None:
    with pytest.raises(lossary.UnknownLossError):
        lossary.torch.guard("no_such_loss")
    with pytest.raises(lossary.ParameterError, match="'warn', 'raise' and 'off'"):
        lossary.torch.guard("mse", doctor="maybe")  # type: ignore[arg-type]


def test_import_stays_light_and_the_doctor_brings_no_framework() -> None:
    code = (
        "import sys, lossary\n"
        "assert 'lossary.doctor' not in sys.modules\n"
        "assert not lossary.diagnose('mse', [0.5, 1.0], [0.4, 1.1]).findings\n"
        "lossary.suggest([0, 1] * 20), lossary.verify('mse'), lossary.explain('mse')\n"
        "heavy = {'torch', 'keras', 'jax', 'tensorflow', 'pytensor', 'matplotlib', 'typer', 'pandas'}\n"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
