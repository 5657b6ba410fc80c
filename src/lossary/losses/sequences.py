"""Losses of sequences whose labels nobody has placed in time."""

from __future__ import annotations

import math
from typing import Any

from ..facts.arguments import Listed, Matrix
from ..facts.domain import Real, Transcript
from ..facts.record import Case
from ..facts.settings import Choice, Interval
from ..objects.define import loss
from ..words import alignment_nll, alignment_slope, where


def _ctc_slope(y_true: Any, y_pred: Any, *, blank: Any = 0, infeasible: str = "inf") -> Any:
    return alignment_slope(y_true, y_pred, blank)


@loss(
    class_name="CTC",
    aliases=("connectionist_temporal_classification",),
    target=Listed(Transcript()),
    prediction=Matrix(Real()),
    parameters={
        "blank": Interval("The class that is no label; -1 for the last", -1.0, whole=True),
        "infeasible": Choice("Value of labels that do not fit into so few steps", ("inf", "zero")),
    },
    slope=_ctc_slope,
    definition="-log(sum over alignments a of y_true of prod over t of softmax(y_pred[t])[a[t]])",
    source="A. Graves et al., Connectionist temporal classification (2006), eq. 8 and 14",
    peers={
        "keras.losses.CTC": "Loss()   # a blank between labels ends the row early there",
        "torch.nn.CTCLoss": "Loss()   # of scores (N, T, C) instead of logarithms (T, N, C), labels padded with the "
        "blank, where=arange(T) < input_lengths[:, None]; its mean divides each value by the number of labels",
        "torch.nn.functional.ctc_loss": "Loss(reduction='none')   # as torch.nn.CTCLoss",
        "optax.losses.ctc_loss": "Loss(reduction='none')   # the other way round, where=logit_paddings == 0",
        "tensorflow.nn.ctc_loss": "Loss(blank=-1, reduction='none')   # of logits (N, T, C)",
        "tensorflow.keras.backend.ctc_batch_cost": "Loss(blank=-1, reduction='none')   # of logarithms of shares",
    },
    cases=(
        Case([[1]], [[[0.0, 0.0], [0.0, 0.0]]], (math.log(4 / 3),), "three of four paths: 11, 10, 01"),
        Case([[1, 1]], [[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]], (math.log(8),), "one of eight: 101"),
        Case([[1, 2]], [[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]], (math.log(27 / 5),),
             "five of 27: 112, 122, 012, 102, 120"),
        Case([[0, 1]], [[[0.0, 0.0, math.log(2)], [0.0, math.log(2), 0.0]]], (math.log(16 / 2),),
             "the blank is the last class: 1/4 * 1/2", {"blank": -1.0}),
        Case([[1, 0, -1]], [[[0.0, math.log(3)], [0.0, math.log(3)]]], (math.log(16 / 15),),
             "padded: 9/16 + 3/16 + 3/16"),
        Case([[1, 1]], [[[0.0, 0.0], [0.0, 0.0]]], (0.0,), "two equal labels take three steps", {"infeasible": "zero"}),
        Case([[1, 1]], [[[0.0, 0.0], [0.0, 0.0]]], (math.inf,), "two equal labels take three steps"),
    ),
)  # fmt: skip
def ctc(y_true: Any, y_pred: Any, *, blank: float = 0, infeasible: str = "inf") -> Any:
    """Minus the log-probability of a sequence of labels under all the ways to place them in time.

    For speech and handwriting, where it is known what was said and not when: ``y_pred`` are raw scores (N, T, C) per
    step and class, ``y_true`` (N, L) the labels, padded with the blank or with -1.  Between two labels may be blanks,
    and a label may last; two equal ones need a blank between them.  Steps that do not count, as beyond the end of a
    sequence, have False in ``where`` (N, T).  Labels that do not fit into so few steps have the value infinity, and the
    slope 0.

    Values are logarithms of whole sequences, and longer ones cost more; PyTorch's mean divides each by its number of
    labels, which ``sample_weight`` does here.  Where there is no float64, as on most JAX, sums over hundreds of steps
    have their digits to about 1e-5.

    >>> import lossary
    >>> print(lossary.ctc([[1]], [[[0.0, 0.0], [0.0, 0.0]]]).round(4))  # log(4/3)
    [0.2877]
    """
    value = alignment_nll(y_true, y_pred, blank)
    return where(value == math.inf, 0.0, value) if infeasible == "zero" else value
