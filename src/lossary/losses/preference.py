"""Losses for preferences: of two answers one was liked better."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Interval, Real
from ..facts.record import Case
from ..objects.define import loss
from ..words import mean, softplus


@loss(
    aliases=("direct_preference_optimization", "dpo_loss", "DPOLoss", "cdpo"),
    class_name="DPO",
    target=None,
    predictions={"chosen": Real(), "rejected": Real()},
    given={"reference_chosen": Real(), "reference_rejected": Real()},
    parameters={
        "beta": Interval("How closely the model stays to the reference", 0.0, open_below=True),
        "label_smoothing": Interval("Share of preferences that are taken to be wrong", 0.0, 0.5),
    },
    definition="(1 - label_smoothing) * log(1 + exp(-d)) + label_smoothing * log(1 + exp(d)), "
    "d = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))",
    source="R. Rafailov et al., Direct preference optimization (2023), eq. 7; E. Mitchell, A note on DPO with noisy "
    "preferences (2023)",
    cases=(
        Case([[-1.0]], [[-3.0]], [[-2.5]], [[-4.0]], (math.log(4.0 / 3.0),), "log(1 + 1/3): d = log 9 ((-1 + 2.5) - 1)",
             {"beta": 2.0 * math.log(3.0)}),
        Case([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]], (math.log(4.0 / 3.0),), "log(1 + 1/3): d = log 3",
             {"beta": math.log(3.0) / 2.0}),
        Case([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]], (0.75 * math.log(4.0 / 3.0) + 0.25 * math.log(4.0),),
             "3/4 log(4/3) + 1/4 log 4: d = log 3", {"beta": math.log(3.0) / 2.0, "label_smoothing": 0.25}),
    ),
)  # fmt: skip
def dpo(
    chosen: Any, rejected: Any, reference_chosen: Any, reference_rejected: Any, *, beta: float = 0.1,
    label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    """Direct preference optimization: the chosen answer is to gain more over a reference than the rejected one.

    For language models that learn from comparisons.  All four are log-probabilities of whole answers, summed over
    their tokens, one per comparison, (N,) or (N, 1): under the model that is trained and under the reference, which has
    no gradient.  With ``label_smoothing`` some preferences are taken to be noise.

    A model of Keras returns ``keras.ops.stack([chosen, rejected], axis=-1)``, and its targets are
    ``lossary.pack(reference_chosen=x, reference_rejected=y)``.

    >>> import lossary
    >>> print(lossary.dpo([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]]).round(4))
    [0.5981]
    """
    gain = (chosen - reference_chosen) - (rejected - reference_rejected)
    return mean((1.0 - label_smoothing) * softplus(-beta * gain) + label_smoothing * softplus(beta * gain))
