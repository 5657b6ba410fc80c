"""The doctor at the door of a training loop: one look at the first batch, then a warning, an error, or silence."""

from __future__ import annotations

import warnings
from typing import Any, Final, Literal, get_args

from ..errors import LossError, ParameterError
from .examine import diagnose
from .report import Report

When = Literal["warn", "raise", "off"]
MODES: Final[tuple[str, ...]] = get_args(When)


class DiagnosisWarning(UserWarning):
    """The doctor found errors or warnings in the first batch."""


class DiagnosisError(LossError):
    """The doctor found errors or warnings in the first batch, and was asked to raise.

    Attributes:
        report: The whole report.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(summary(report))
        self.report = report


def valid_mode(doctor: Any) -> When:
    """The mode, or a `ParameterError`."""
    if doctor not in MODES:
        raise ParameterError(
            f"doctor is {doctor!r}; accepted are 'warn', 'raise' and 'off'. The default is doctor='warn'"
        )
    found: When = doctor
    return found


def summary(report: Report) -> str:
    """The errors and warnings of a report, and how to see the rest."""
    findings = "\n".join(map(str, report.at_least("warning")))
    return (
        f"the doctor looked at the first batch.\n{findings}\n"
        f"{len(report.not_checked)} things were not checked; lossary.diagnose(loss, y_true, y_pred, model=model) lists "
        "them. To train on regardless: doctor='off'"
    )


def check_first_batch(
    loss: Any,
    y_true: Any,
    y_pred: Any = None,
    *,
    model: Any = None,
    metrics: Any = None,
    doctor: When = "warn",
    stacklevel: int = 2,
) -> Report | None:
    """Looks at one batch as `diagnose` does and warns, or raises, if there is an error or a warning.

    Args:
        loss: Anything `lossary.get` understands.
        y_true: Targets of the batch.
        y_pred: Outputs for the batch, if they are at hand.
        model: The model, whose last layer is read.
        metrics: Metrics trained with.
        doctor: ``"warn"``, ``"raise"`` or ``"off"``.
        stacklevel: Whose line a warning names, as in ``warnings.warn``.

    Returns:
        The report, or None with ``doctor="off"``.

    Raises:
        DiagnosisError: With ``doctor="raise"``, if there is an error or a warning; ``.report`` has the details.
        ParameterError: ``doctor`` is none of the three.

    >>> from lossary.doctor import check_first_batch
    >>> check_first_batch("mean_squared_error", [[0.1], [0.9]], [[0.2], [0.7]]).ok
    True
    """
    if valid_mode(doctor) == "off":
        return None
    report = diagnose(loss, y_true, y_pred, model=model, metrics=metrics)
    if not report.ok:
        if doctor == "raise":
            raise DiagnosisError(report)
        warnings.warn(summary(report), DiagnosisWarning, stacklevel=stacklevel)
    return report
