"""The doctor on losses of preferences: what it says of log-probabilities, and where it has nothing to say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import lossary
from lossary.doctor.examples import names

ANSWERS, REFERENCES = (names()[name] for name in ("answers", "references"))
SOME_SAME = ANSWERS.copy()
SOME_SAME[3, 1] = SOME_SAME[3, 0]
LONGER = np.stack([REFERENCES.min(-1), REFERENCES.max(-1)], -1)


def found(loss: Any, references: Any, answers: Any) -> dict[str, Any]:
    report = lossary.diagnose(loss, references, answers)
    return {finding.code: finding for finding in report.findings if finding.code.startswith("LS13")}


@pytest.mark.parametrize(
    ("loss", "references", "answers"),
    [
        ("dpo", REFERENCES, ANSWERS),
        ("dpo", REFERENCES[:, None], ANSWERS[:, None]),  # one column per answer
        ("dpo", None, (ANSWERS[:, 0], ANSWERS[:, 1])),
        ("robust_dpo", REFERENCES, ANSWERS),
        ("apo_zero", REFERENCES, ANSWERS),
        ("slic_hinge", REFERENCES, ANSWERS),
        ("ipo", REFERENCES / 30, ANSWERS / 30),
        ("simpo", None, ANSWERS / 30),
        ("bradley_terry", None, 3.0 + abs(ANSWERS) / 10),  # rewards may be any numbers
        ("dpo", LONGER[:20], LONGER[:20] + 0.5),  # too few to call it a habit
        ("gaussian_nll", ANSWERS[:, :1], (ANSWERS[:, :1], -ANSWERS[:, :1])),
    ],
)
def test_what_is_right_raises_no_alarm(loss: str, references: Any, answers: Any) -> None:
    assert not found(loss, references, answers)


@pytest.mark.parametrize(
    ("loss", "references", "answers", "code", "severity", "said"),
    [
        ("dpo", REFERENCES, -ANSWERS, "LS130", "warning", "with the other sign"),
        ("simpo", None, ANSWERS / 30 + 1.0, "LS130", "warning", "raw scores"),
        ("dpo", REFERENCES, SOME_SAME, "LS131", "note", "1 of 200"),
        ("bradley_terry", None, ANSWERS[:, [1, 1]], "LS131", "error", "200 of 200"),
        ("apo_down", REFERENCES[:, ::-1], ANSWERS, "LS132", "error", "different orders"),
        ("dpo", LONGER, LONGER + 0.5, "LS133", "warning", "200 of 200"),
        ("dpo", ANSWERS, ANSWERS, "LS134", "note", f"the value is {math.log(2):.4g}"),
        (lossary.IPO(beta=0.5), ANSWERS, ANSWERS, "LS134", "note", "the value is 1,"),
        ("slic_hinge", np.stack([REFERENCES] * 3, 1), np.stack([ANSWERS] * 3, 1), "LS135", "warning", "(200, 3)"),
        ("simpo", None, ANSWERS, "LS136", "warning", "means per token"),
        ("dpo", REFERENCES / 30, ANSWERS / 30, "LS136", "note", "sums over whole answers"),
        (lossary.RobustDPO(beta=50.0), REFERENCES, ANSWERS, "LS137", "warning", "beta=50"),
    ],
)
def test_mistakes_are_named(loss: Any, references: Any, answers: Any, code: str, severity: str, said: str) -> None:
    finding = found(loss, references, answers)[code]
    assert finding.severity == severity
    assert said in finding.message


def test_a_fitting_beta_is_named() -> None:
    finding = found(lossary.DPO(beta=20.0), REFERENCES, ANSWERS)["LS137"]
    scope: dict[str, Any] = {"lossary": lossary}
    exec(finding.remedy, scope)
    assert not found(scope["loss"], REFERENCES, ANSWERS)


def test_what_cannot_be_compared_is_said() -> None:
    lines = lossary.diagnose("dpo", None, ANSWERS).not_checked
    assert any("y_true does not hold reference_chosen and reference_rejected" in line for line in lines)
