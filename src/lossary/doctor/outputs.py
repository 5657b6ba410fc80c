"""Findings about predictions: what the outputs of a model say about the layer that produced them."""

from __future__ import annotations

import math

import numpy as np

from .evidence import Evidence, Floats, number, share
from .looking import (
    VANISHED,
    amounts_without_bound,
    decisions,
    head_is,
    in_unit,
    lost,
    many_hot,
    single_softmax,
    sums_to_one,
    wrong_axis,
)
from .rules import Seen, enough, rule


@rule(
    "LS101",
    "probabilities given to a loss that expects raw scores",
    needs="y_pred",
    bad="diagnose(lossary.CategoricalCrossentropy(from_logits=True), one_hot, softmax(scores))",
    clean="diagnose(lossary.CategoricalCrossentropy(from_logits=True), one_hot, scores)",
)
def double_activation(e: Evidence) -> Seen | None:
    """Softmax or sigmoid outputs into ``from_logits=True``."""
    if not e.from_logits or head_is(e, "linear", "log_softmax") or not in_unit(e.rows):
        return None
    count, units = e.rows.shape
    if units > 1 and sums_to_one(e, e.rows):
        floor = math.log(1 + (units - 1) / math.e)
        what, floors = "softmax", f"log(1 + {units - 1}/e) = {floor:.4f}"
    elif e.is_binary and e.rows.max() > 0.5:
        if not head_is(e, "sigmoid"):
            enough(e.rows.size, 32, "outputs to tell probabilities from small scores")
        what, floors = "sigmoid", f"log(1 + 1/e) = {math.log1p(1 / math.e):.4f} for class 1 and log 2 for class 0"
        if e.is_region:
            floors = "that of probabilities between 0.5 and 0.73"
    else:
        return None
    evident = what == "softmax" or head_is(e, "sigmoid")
    return Seen(
        f"y_pred {'holds' if evident else 'looks like'} {what} probabilities ({count} rows in "
        f"[{number(e.rows.min())}, {number(e.rows.max())}]"
        f"{', each summing to 1' if what == 'softmax' else ''}), and {e.name} with from_logits=True applies the {what} "
        f"once more. However well the model does, the loss cannot fall below {floors}, and the gradient is weak "
        "all the way there",
        f"loss = {e.rewritten(from_logits=False)}   # or drop the {what} from the last layer",
        severity=None if evident else "warning",
    )


@rule(
    "LS102",
    "raw scores given to a loss that expects probabilities",
    needs="y_pred",
    bad="diagnose('categorical_crossentropy', one_hot, scores)",
    clean="diagnose('categorical_crossentropy', one_hot, softmax(scores))",
)
def logits_for_probabilities(e: Evidence) -> Seen | None:
    """Values outside [0, 1] where probabilities belong."""
    if e.from_logits or not (e.is_distribution or e.is_binary) or in_unit(e.rows):
        return None
    wrong = (e.rows < 0) | (e.rows > 1)
    if "from_logits" in e.loss.parameters:
        remedy = f"loss = {e.rewritten(from_logits=True)}   # or end the model in a {e.activation}"
    else:
        remedy = f"# end the model in a {e.activation}, so that the loss sees probabilities"
    return Seen(
        f"{e.place('y_pred', wrong)} is no probability; {share(wrong.sum(), wrong.size)} lie outside [0, 1]. These are "
        f"raw scores: {e.name} would "
        + ("count with them" if e.is_region else "take the logarithm of them")
        + " as they are, and clipped ones have no true gradient",
        remedy,
    )


@rule(
    "LS103",
    "rows of probabilities that do not sum to 1",
    severity="warning",
    needs="y_pred",
    bad="diagnose('categorical_crossentropy', one_hot, sigmoid(scores))",
    clean="diagnose('categorical_crossentropy', one_hot, softmax(scores))",
)
def rows_without_unit_sum(e: Evidence) -> Seen | None:
    """Sigmoids where one softmax belongs."""
    if e.from_logits or not e.is_distribution or e.rows.shape[1] < 2 or not in_unit(e.rows):
        return None
    if e.head is not None and not head_is(e, "softmax", "sigmoid", "hard_sigmoid"):
        return None  # Scores that happen to lie in [0, 1]; LS301 speaks of the layer.
    sums = e.rows.sum(1)
    off = np.abs(sums - 1.0) >= e.row_tolerance
    if not off.any() or wrong_axis(e) is not None:
        return None
    first = int(np.argmax(off))
    return Seen(
        f"{e.place('y_pred', off)} sums to {number(sums[first])}, not to 1; so do {share(off.sum(), off.size)} rows "
        f"(sums from {number(sums.min())} to {number(sums.max())}). A row should be one distribution over the classes; "
        "sigmoid outputs do not compete, so the model can raise every class at once",
        "keras.layers.Dense(C, activation='softmax')   # torch: torch.nn.Softmax(dim=-1)",
        better="binary_crossentropy" if e.coding == "one-hot" and e.true is not None and many_hot(e.targets) else None,
    )


@rule(
    "LS104",
    "saturated outputs",
    severity="warning",
    needs="pair",
    bad="diagnose('binary_crossentropy', bits, (sigmoid(margins) > 0.5) * 1.0)",
    clean="diagnose('binary_crossentropy', bits, sigmoid(margins))",
)
def saturated(e: Evidence) -> Seen | None:
    """Probabilities that are exactly 0 or 1, or no probability left for the right answer."""
    if not (e.is_distribution or e.is_binary) or not in_unit(e.probabilities):
        return None
    p = e.probabilities
    hard = bool(((p == 0) | (p == 1)).all()) and p.shape[0] >= 4
    if hard and not single_softmax(p):
        return Seen(
            f"all {p.size} outputs are exactly 0 or 1, e.g. {e.place('y_pred', p == 1)}. Decisions (argmax or a "
            "threshold) have no gradient, and each wrong one costs -log(epsilon) however close it was",
            "y_pred = probabilities   # give the loss the outputs before argmax or > 0.5",
        )
    gone = None if e.is_region else lost(e)
    if gone is None or gone.sum() < max(1, 0.01 * gone.size):
        return None
    return Seen(
        f"the right answer has a probability below {VANISHED:g} in {share(gone.sum(), gone.size)} rows, first "
        f"{e.place('y_pred', gone)}. There the outputs are saturated: float32 and clipping have eaten the difference "
        "between wrong and hopelessly wrong, and learning from these rows stalls or explodes",
        "# smaller learning rate or initial weights, standardised inputs; and let the loss see raw scores:\n"
        f"loss = {e.rewritten(from_logits=True)}"
        if "from_logits" in e.loss.parameters
        else "# smaller learning rate or initial weights, standardised inputs",
    )


@rule(
    "LS105",
    "the same output for every data point",
    severity="warning",
    needs="pair",
    bad="diagnose('mean_squared_error', reals, 0 * reals + 3.0)",
    clean="diagnose('mean_squared_error', reals, reals + noise)",
)
def constant(e: Evidence) -> Seen | None:
    """A dead model: nothing of the input reaches the output."""
    if (
        len(e.rows) < 8
        or single_softmax(e.rows)
        or not (e.rows == e.rows[0]).all()
        or (e.targets == e.targets[0]).all()
    ):
        return None
    untrained = bool((e.probabilities[0] == e.probabilities[0, 0]).all()) and (
        e.from_logits or (e.is_distribution and e.rows.shape[1] > 1) or e.rows[0, 0] in (0.0, 0.5)
    )
    return Seen(
        f"all {len(e.rows)} rows of y_pred are equal ({_brief(e.rows[0])}) while the targets differ. "
        + (
            "An output layer that starts at zero looks like this before training; after training it means that nothing "
            "of the input arrives"
            if untrained
            else "Nothing of the input arrives at the output: dead ReLUs, a learning rate that blew the weights up, or "
            "inputs that are all alike"
        ),
        "# look at the layer before the output; divide the learning rate by ten, standardise the inputs,\n"
        "# or use keras.layers.LeakyReLU() / torch.nn.LeakyReLU() in place of ReLU",
        severity="note" if untrained else None,
    )


def _brief(row: Floats) -> str:
    shown = ", ".join(number(x) for x in row[:4])
    return f"[{shown}{', ...' if len(row) > 4 else ''}]"


@rule(
    "LS106",
    "NaN or infinite outputs",
    needs="y_pred",
    bad="diagnose('mean_squared_error', reals, np.where(reals > 0, reals, np.nan))",
    clean="diagnose('mean_squared_error', reals, reals + noise)",
)
def not_finite(e: Evidence) -> Seen | None:
    """A NaN makes the mean NaN, and the weights with it.  Minus infinity is a masked score."""
    broken = np.isnan(e.rows) | (e.rows == np.inf) | (np.isneginf(e.rows) & (not e.from_logits))
    if not broken.any():
        return None
    return Seen(
        f"{e.place('y_pred', broken)}; {share(broken.sum(), broken.size)} outputs are NaN or infinite. One of them "
        "makes the loss of the batch NaN, the gradient too, and with it every weight",
        "keras.optimizers.SGD(1e-3, clipnorm=1.0)   # smaller steps; torch.nn.utils.clip_grad_norm_(p, 1.0)\n"
        "np.isnan(x).any(), np.isinf(x).any()       # and look for NaN in the inputs",
    )


@rule(
    "LS107",
    "softmax over one unit",
    needs="y_pred",
    bad="diagnose('binary_crossentropy', bits, softmax(margins))",
    clean="diagnose('binary_crossentropy', bits, sigmoid(margins))",
)
def softmax_over_one(e: Evidence) -> Seen | None:
    """A softmax over one number is always 1."""
    if e.rows.shape[1] != 1 or not (e.is_distribution or e.is_binary):
        return None
    ones = single_softmax(e.rows) and len(e.rows) >= 4
    if not ones and not e.is_distribution:
        return None
    seen = (
        f"all {len(e.rows)} outputs are exactly 1, as a softmax over a single unit always is"
        if ones
        else f"y_pred has one column, and {e.name} compares the classes of a row: over one class its value is constant"
    )
    return Seen(
        f"{seen}. The gradient is zero and nothing is learnt",
        "keras.layers.Dense(1, activation='sigmoid')   # torch: torch.nn.Linear(n, 1), torch.nn.Sigmoid()\n"
        "loss = lossary.BinaryCrossentropy()",
        better="binary_crossentropy",
    )


@rule(
    "LS108",
    "class axis in the wrong place",
    needs="y_true y_pred",
    bad="diagnose('categorical_crossentropy', one_hot, softmax(scores, axis=0))",
    clean="diagnose('categorical_crossentropy', one_hot, softmax(scores))",
)
def class_axis(e: Evidence) -> Seen | None:
    """Classes along another axis than the one the loss reads."""
    axis = wrong_axis(e)
    if axis is None or e.raw_pred is None:
        return None
    shape = e.raw_pred.shape
    read = e.axis % len(shape)
    if len(shape) == 2 and axis == 0:
        return Seen(
            f"the columns of y_pred {shape} sum to 1 and its rows do not (y_pred[0] sums to "
            f"{number(e.rows[0].sum())}): the softmax ran over the batch, so data points compete instead of classes",
            "torch.softmax(scores, dim=-1)   # keras.ops.softmax(scores, axis=-1)",
        )
    return Seen(
        f"y_pred has shape {shape} and the classes lie along axis {axis}, but {e.name} reads axis {read} "
        f"(length {shape[read]}) as the classes",
        f"loss = {e.rewritten(axis=axis)}   # channels-first outputs",
    )


@rule(
    "LS109",
    "two-unit softmax with a binary loss",
    severity="warning",
    needs="y_pred",
    bad="diagnose('binary_crossentropy', lossary.to_categorical(bits[:, 0], 2), softmax(two_scores))",
    clean="diagnose('categorical_crossentropy', lossary.to_categorical(bits[:, 0], 2), softmax(two_scores))",
)
def two_unit_softmax(e: Evidence) -> Seen | None:
    """Softmax rows under a loss that takes every output for a question of its own."""
    units = e.rows.shape[1]
    if (
        not e.is_binary
        or e.is_region
        or e.from_logits
        or units < 2
        or not in_unit(e.rows)
        or not sums_to_one(e, e.rows)
    ):
        return None
    hot = e.true is not None and e.true.ndim > 1 and e.targets.shape[1] == units
    better = "categorical_crossentropy" if hot else "sparse_categorical_crossentropy"
    cls = "CategoricalCrossentropy" if hot else "SparseCategoricalCrossentropy"
    return Seen(
        f"every row of y_pred (shape {e.rows.shape}) sums to 1, so the {units} units are one softmax, and {e.name} "
        "scores each unit as a separate yes/no question: the value is not the likelihood of the class, and for two "
        "units the same question is asked twice",
        f"loss = lossary.{cls}()   # or one unit: Dense(1, activation='sigmoid')",
        better=better,
    )


@rule(
    "LS110",
    "predictions outside the loss's domain",
    needs="y_pred",
    bad="diagnose('poisson', counts, reals)",
    clean="diagnose('poisson', counts, np.exp(margins))",
)
def outside_domain(e: Evidence) -> Seen | None:
    """A negative rate, and the like."""
    if e.is_binary or e.is_distribution or e.from_logits:
        return None
    declared = e.record.prediction_domain(e.loss.parameters)
    domain = e.record.target if amounts_without_bound(e) else declared
    inside = domain.contains(e.rows)
    if inside.all():
        return None
    return Seen(
        f"{e.place('y_pred', ~inside)} is outside {domain.describe()}; so are {share((~inside).sum(), inside.size)}. "
        f"{e.name} is undefined there; an implementation that clips them has no true gradient",
        f"keras.layers.Dense({e.units}, activation={domain.activation!r})   # torch: torch.nn.Softplus()",
        severity="error" if domain is declared else "warning",
    )


@rule(
    "LS112",
    "probabilities given to a loss that reads margins",
    severity="warning",
    needs="pair",
    bad="diagnose('hinge', 2 * bits - 1, sigmoid(margins))",
    clean="diagnose('hinge', 2 * bits - 1, margins)",
)
def probabilities_for_margins(e: Evidence) -> Seen | None:
    """Outputs in [0, 1], of which none can be on the side of class -1."""
    if e.coding != "signs" or not in_unit(e.rows) or (e.head is not None and e.head.activation == "linear"):
        return None
    if not e.record.prediction_domain(e.loss.parameters).contains(np.array([-1.0])).all():
        return None  # Distances are no margins.
    negative = e.targets <= 0
    if not negative.any() or (e.rows == e.rows[0]).all():
        return None
    enough(e.rows.size, 32, "outputs to tell probabilities from small margins")
    return Seen(
        f"all {e.rows.size} outputs lie in [{number(e.rows.min())}, {number(e.rows.max())}], within [0, 1]: these look "
        f"like probabilities. {e.name} wants margins, below 0 for class -1: none of the targets -1, "
        f"{share(negative.sum(), negative.size)}, can be met",
        "keras.layers.Dense(1)   # no sigmoid; torch: torch.nn.Linear(n, 1). Or, for probabilities:\n"
        "loss = lossary.BinaryCrossentropy()   # with y_true = (y_true + 1) / 2",
        better="binary_crossentropy",
    )


@rule(
    "LS111",
    "one class predicted for everything",
    severity="warning",
    needs="pair",
    bad="diagnose('categorical_crossentropy', one_hot, softmax(scores + 9 * np.eye(5)[2]))",
    clean="diagnose('categorical_crossentropy', one_hot, softmax(scores))",
)
def one_class(e: Evidence) -> Seen | None:
    """The model has collapsed onto one answer."""
    classes = decisions(e)
    if classes is None or len(e.rows) < 50:
        return None
    decided, truth, confidence = classes
    values, counts = np.unique(decided, return_counts=True)
    majority = np.unique(truth, return_counts=True)[1].max() / len(truth)
    if counts.max() < 0.995 * len(decided) or majority > 0.9 or (e.rows == e.rows[0]).all():
        return None
    return Seen(
        f"{share(counts.max(), len(decided))} rows are predicted as class {values[counts.argmax()]:g}, with a mean "
        f"probability of {number(confidence)}, while the commonest class makes up {100 * majority:.3g}% of the "
        "targets. The model answers without looking",
        "# smaller learning rate; shuffle the data; class weights if the classes are unequal:\n"
        "model.fit(x, y, class_weight={k: len(y) / (C * n) for k, n in enumerate(np.bincount(y))})",
        severity=None if confidence > 0.9 else "note",
    )
