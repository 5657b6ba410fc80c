"""The loss before training: what a model that knows nothing should show, against what this one shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .balance import base_entropy
from .evidence import Evidence, Floats, number
from .rules import Seen, rule


@dataclass(frozen=True)
class Start:
    """The loss of the best constant answer, what it is made of, and of outputs that are all alike."""

    constant: float
    recipe: str
    uniform: float | None = None
    uniform_recipe: str = ""


def expected(e: Evidence) -> Start | None:
    """The loss that needs no input: base-rate entropy for classes, spread for numbers; None where no law is known."""
    if e.true is None or not np.isfinite(e.targets).all() or not len(e.targets):
        return None
    if e.is_distribution and e.coding in ("integers", "one-hot") and e.name != "kl_divergence":
        return _classes(e)
    if e.is_binary and e.coding == "bits" and not e.is_region and _unit(e.targets):
        rate = e.targets.mean(0)
        entropy = float(base_entropy(rate).mean())
        ones = number(float(rate.mean()))
        return Start(entropy, f"entropy of the base rate {ones}", math.log(2), "log 2")
    spread = _SPREADS.get(e.name)
    return None if spread is None else Start(spread[0](e.targets), spread[1])


def _unit(targets: Floats) -> bool:
    return bool(targets.min() >= 0 and targets.max() <= 1)


def _classes(e: Evidence) -> Start | None:
    units, labels = e.units, e.labels
    if units is None or units < 2 or labels is None or labels.max() >= units:
        return None
    shares = np.bincount(labels, minlength=units) / len(labels)
    present = shares[shares > 0]
    entropy = float(-(present * np.log(present)).sum())
    return Start(entropy, "entropy of the class shares", math.log(units), f"log {units}")


def _variance(y: Floats) -> float:
    return float(y.var(0).mean())


def _distance(y: Floats) -> float:
    return float(np.abs(y - np.median(y, 0)).mean())


_SPREADS: dict[str, tuple[Callable[[Floats], float], str]] = {
    "mean_squared_error": (_variance, "the variance of the targets"),
    "mean_absolute_error": (_distance, "the mean distance of the targets from their median"),
}


def facts(e: Evidence) -> list[str]:
    """Lines for the report."""
    start, value = expected(e), e.value
    lines = []
    if start is not None:
        uniform = (
            "" if start.uniform is None else f"; {start.uniform:.4f} ({start.uniform_recipe}) with outputs all alike"
        )
        lines.append(
            f"expected before training: {number(start.constant)} ({start.recipe}) for the best constant answer{uniform}"
        )
    if value is not None:
        lines.append(f"these outputs: {number(value)}")
    return lines


@rule(
    "LS501",
    "a loss far above that of knowing nothing",
    severity="warning",
    needs="pair",
    bad="diagnose('categorical_crossentropy', np.roll(one_hot, 1, axis=1), softmax(9 * scores))",
    clean="diagnose('categorical_crossentropy', one_hot, softmax(scores))",
)
def worse_than_nothing(e: Evidence) -> Seen | None:
    """Confident and wrong: shuffled labels, a wrong order of classes, a start that is far off."""
    start, value = expected(e), e.value
    if start is None or value is None or len(e.targets) < 8 or not math.isfinite(value):
        return None
    base = max(start.constant, start.uniform or 0.0)
    classes = start.uniform is not None
    if value <= (2.0 * base + 0.5 if classes else 4.0 * base) or base == 0:
        return None
    offset = not classes and _is_offset(e)
    return Seen(
        f"the loss on these outputs is {number(value)}; an answer that ignores the input scores {number(base)} "
        f"({start.uniform_recipe if classes and base == start.uniform else start.recipe}). "
        + (
            "The outputs are far from the mean of the targets, so the first epochs go into moving the output bias there"
            if offset
            else "Outputs this bad are confidently wrong: targets and rows out of step, classes in another order, or "
            "initial weights that are too large"
        ),
        "mean, std = y_true.mean(), y_true.std()\ny_true = (y_true - mean) / std   # or start the output bias at mean"
        if offset
        else "print(y_true[:8], y_pred[:8].round(3))   # do rows and classes correspond?",
        severity=None if classes else "note",
    )


def _is_offset(e: Evidence) -> bool:
    """Whether most of a squared error is the difference of the means."""
    gap = float(np.square(e.rows.mean(0) - e.targets.mean(0)).mean())
    return gap > 0.5 * float(np.square(e.rows - e.targets).mean())
