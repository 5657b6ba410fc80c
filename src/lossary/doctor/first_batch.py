"""The doctor at the door of a training loop: one look at the first batch, then a warning, an error, or silence."""

from __future__ import annotations

import warnings
from typing import Any, Final, Literal, get_args

from ..errors import LossError, ParameterError
from .examine import diagnose
from .report import Report

When = Literal["warn", "raise", "off"]
MODES: Final[tuple[str, ...]] = get_args(When)


# Why targets were left unread at the start of `fit`.
UNREAD: Final = {
    "targets": "they are not arrays with one row per data point",
    "kind": "a {} cannot be read without taking something from it",
    "loader": "this DataLoader's items cannot be read one by one, and a batch of it would start workers or be lost",
    "dataset": "reading this tf.data pipeline once more would change it (a shuffle's order, a cache, a generator)",
    "outputs": "it is not clear which of them belong to which output",
}


class DiagnosisWarning(UserWarning):
    """The doctor found errors or warnings in the first batch, or could not look at it."""


class DiagnosisError(LossError):
    """The doctor found errors or warnings in the first batch, and was asked to raise.

    Attributes:
        report: The whole report.
    """

    def __init__(self, report: Report, output: str = "") -> None:
        super().__init__(summary(report, output))
        self.report = report


def valid_mode(doctor: Any) -> When:
    """The mode, or a `ParameterError`."""
    if doctor not in MODES:
        raise ParameterError(
            f"doctor is {doctor!r}; accepted are 'warn', 'raise' and 'off'. The default is doctor='warn'"
        )
    found: When = doctor
    return found


def summary(report: Report, output: str = "") -> str:
    """The errors and warnings of a report, and how to see the rest."""
    findings = "\n".join(map(str, report.at_least("warning")))
    of_output = f", at output {output!r}" if output else ""
    return (
        f"the doctor looked at the first batch{of_output}.\n{findings}\n"
        f"{len(report.not_checked)} things were not checked; lossary.diagnose(loss, y_true, y_pred, model=model) lists "
        "them. To train on regardless: doctor='off'"
    )


def failed(error: Exception, *, stacklevel: int = 2) -> None:
    """Says that the look itself went wrong, which is no reason to stop a training."""
    warnings.warn(
        f"the doctor could not look at the first batch: {type(error).__name__}: {error}. Training goes on. To look by "
        "hand: print(lossary.diagnose(loss, y_true, y_pred, model=model)). To train without this line: doctor='off'",
        DiagnosisWarning,
        stacklevel=stacklevel,
    )


def not_looked_at(why: str, *, stacklevel: int = 2) -> None:
    """Says that the targets of a training went unread: silence would be taken for approval."""
    warnings.warn(
        f"the doctor did not look at the targets: {why}. To have a batch looked at: "
        "print(lossary.diagnose(loss, y_true, y_pred, model=model)). To train without this line: doctor='off'",
        DiagnosisWarning,
        stacklevel=stacklevel,
    )


def check_first_batch(
    loss: Any,
    y_true: Any,
    y_pred: Any = None,
    *,
    model: Any = None,
    metrics: Any = None,
    doctor: When = "warn",
    output: str = "",
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
        output: Name of the output that this is about, if there are several.
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
            raise DiagnosisError(report, output)
        warnings.warn(summary(report, output), DiagnosisWarning, stacklevel=stacklevel)
    return report
