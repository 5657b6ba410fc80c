"""Findings about targets: whether they are written as the loss reads them, and whether it suits their spread."""

from __future__ import annotations

import math

import numpy as np

from ..facts.arguments import Role
from ..facts.domain import OneHot
from .evidence import Evidence, Floats, known, number, share
from .rules import Seen, enough, rule

SQUARED = frozenset({"mean_squared_error"})
RELATIVE = frozenset({"mean_absolute_percentage_error"})
# A training step of ordinary size diverges or does nothing when targets are this far from unit scale.
LARGE_SCALE, SMALL_SCALE = 100.0, 1e-3
ROBUST_SIGMA = 1.4826  # The standard deviation of a normal is this times its median absolute deviation.


def _finite(values: Floats) -> Floats:
    return values[np.isfinite(values)]


def _is_bits(values: Floats) -> bool:
    return bool(((values == 0) | (values == 1)).all())


def _whole(values: Floats) -> bool:
    return bool((values == np.floor(values)).all())


@rule(
    "LS201",
    "integer labels given to a loss for one-hot rows",
    bad="diagnose('categorical_crossentropy', labels, softmax(scores))",
    clean="diagnose('sparse_categorical_crossentropy', labels, softmax(scores))",
    needs="y_true",
)
def integers_for_rows(e: Evidence) -> Seen | None:
    """Labels where rows belong."""
    raw = e.raw_true
    if e.coding != "one-hot" or raw is None or not _whole(_finite(raw)):
        return None
    column = raw.ndim == 1 or raw.shape[-1] == 1
    if not column or (e.raw_pred is not None and raw.shape == e.raw_pred.shape and e.raw_pred.shape[-1:] != (1,)):
        return None
    if raw.ndim == 1 and e.raw_pred is not None and e.raw_pred.ndim == 1:
        return None
    classes = e.units if e.units and e.units > 1 else int(raw.max(initial=0)) + 1
    return Seen(
        f"y_true has shape {raw.shape} with whole numbers from {number(raw.min())} to {number(raw.max())}: one "
        f"label per "
        f"data point. {e.name} reads one row of {classes} class probabilities per data point, and broadcasting a "
        "label over the row would train towards nonsense",
        f"loss = lossary.SparseCategoricalCrossentropy()\n# or: y_true = lossary.to_categorical(y_true, {classes})",
        better=known("sparse_categorical_crossentropy"),
    )


@rule(
    "LS202",
    "one-hot rows given to a loss for integer labels",
    bad="diagnose('sparse_categorical_crossentropy', one_hot, softmax(scores))",
    clean="diagnose('categorical_crossentropy', one_hot, softmax(scores))",
    needs="y_true",
)
def rows_for_integers(e: Evidence) -> Seen | None:
    """Rows where labels belong."""
    raw = e.raw_true
    if not e.record.labels_are_integers or raw is None or raw.ndim < 2 or raw.shape[-1] < 2 or _other_parts(e):
        return None
    as_rows = raw.reshape(-1, raw.shape[-1])
    if (
        raw.ndim != (e.rank or raw.ndim)
        or raw.shape[-1] != (e.units or raw.shape[-1])
        or not np.allclose(as_rows.sum(1), 1.0, atol=1e-2)
    ):
        return None
    return Seen(
        f"y_true has shape {raw.shape} and every row sums to 1: these are one-hot or soft rows. {e.name} reads one "
        "integer per data point, and would take each 0 and 1 for a class of its own",
        "loss = lossary.CategoricalCrossentropy()\n# or, for hard labels: y_true = y_true.argmax(-1)",
        better=known("categorical_crossentropy"),
    )


@rule(
    "LS203",
    "labels out of range",
    bad="diagnose('sparse_categorical_crossentropy', labels + 1, softmax(scores))",
    clean="diagnose('sparse_categorical_crossentropy', labels, softmax(scores))",
    needs="y_true",
)
def label_range(e: Evidence) -> Seen | None:
    """A negative label, one beyond the last unit, or a fraction."""
    if not e.record.labels_are_integers or rows_for_integers(e) is not None:
        return None
    flat, units = e.targets, e.units
    ignored = e.loss.parameters.get("ignore_class")
    with np.errstate(invalid="ignore"):
        wrong = (flat < 0) | (flat != np.floor(flat)) | (flat >= (units or np.inf))
    wrong &= np.isfinite(flat) & (flat != (np.inf if ignored is None else ignored))
    wrong[:, _other_parts(e)] = False
    if not wrong.any():
        return None
    flat = np.delete(flat, _other_parts(e), axis=1)
    value = float(flat[int(np.argmax(wrong.any(1))), 0])
    accepted = f"0 to {units - 1}, since the model has {units} outputs" if units else "0, 1, 2, ..."
    return Seen(
        f"{e.place('y_true', wrong)} is no label; accepted are {accepted}; {share(wrong.sum(), flat.size)} are wrong "
        f"(labels run from {number(flat.min())} to {number(flat.max())}). Frameworks turn such a label into NaN, "
        f"zeros, "
        "or the score of another class",
        _label_remedy(value, flat, units),
    )


def _other_parts(e: Evidence) -> list[int]:
    """The columns of targets in parts that hold no label."""
    target = next(argument for argument in e.record.arguments if argument.role is Role.TARGET)
    return [place for place, each in enumerate(target.inputs) if not each.is_label] if target.parts else []


def _label_remedy(value: float, flat: Floats, units: int | None) -> str:
    if value != np.floor(value):
        return (
            "classes, y_true = np.unique(y_true, return_inverse=True)   # numbers, not classes? lossary.suggest(y_true)"
        )
    if value < 0:
        return f"loss = lossary.SparseCategoricalCrossentropy(ignore_class={int(value)})   # if it marks no label"
    if flat.min() >= 1 and units is not None and flat.max() <= units:
        return "y_true = y_true - 1   # labels that start at 1"
    need = int(flat.max()) + 1
    return f"keras.layers.Dense({need})   # one unit per class; torch: torch.nn.Linear(n, {need})"


@rule(
    "LS204",
    "label smoothing of labels that are soft already",
    severity="warning",
    bad="diagnose(lossary.CategoricalCrossentropy(label_smoothing=0.1), 0.9 * one_hot + 0.02, softmax(scores))",
    clean="diagnose(lossary.CategoricalCrossentropy(label_smoothing=0.1), one_hot, softmax(scores))",
    needs="y_true",
)
def smoothed_twice(e: Evidence) -> Seen | None:
    """Smoothing on top of smoothing."""
    smoothing = e.loss.parameters.get("label_smoothing", 0.0)
    soft = (e.targets > 0) & (e.targets < 1)
    if not smoothing or e.record.labels_are_integers or not soft.any():
        return None
    return Seen(
        f"label_smoothing={smoothing:g}, but {e.place('y_true', soft)} is soft already, as are "
        f"{share(soft.sum(), soft.size)} targets. Smoothing twice pulls the model towards uniform answers",
        f"loss = {e.rewritten(label_smoothing=0.0)}",
    )


@rule(
    "LS205",
    "labels 0 and 1 for a margin loss",
    severity="note",
    bad="diagnose('hinge', bits, margins)",
    clean="diagnose('hinge', 2 * bits - 1, margins)",
    needs="y_true",
)
def bits_for_signs(e: Evidence) -> Seen | None:
    """Hinge means -1 and 1; zeros are read as -1."""
    if e.coding != "signs" or not _is_bits(e.targets) or not (e.targets == 0).any():
        return None
    return Seen(
        f"y_true holds 0 and 1 ({share((e.targets == 0).sum(), e.targets.size)} zeros); {e.name} is defined for -1 and "
        "1. lossary, like Keras, reads 0 as -1; other code would give every 0 a loss of exactly 1 and no gradient",
        "y_true = 2 * y_true - 1",
    )


@rule(
    "LS206",
    "targets outside [0, 1] for a binary loss",
    bad="diagnose('binary_crossentropy', 255 * bits, sigmoid(margins))",
    clean="diagnose('binary_crossentropy', bits, sigmoid(margins))",
    needs="y_true",
)
def bit_range(e: Evidence) -> Seen | None:
    """0/255 masks, -1/1 signs, class numbers."""
    if e.coding not in ("bits", "probabilities") or not e.is_binary:
        return None
    wrong = (e.targets < 0) | (e.targets > 1)
    if not wrong.any():
        return None
    values = np.unique(_finite(e.targets))
    if values.min() == -1 and values.max() == 1 and len(values) <= 3:
        cause, remedy, better = "labels -1 and 1", "y_true = (y_true + 1) / 2", known("hinge")
    elif values.max() == 255 and values.min() >= 0:
        cause, remedy, better = "an 8-bit mask", "y_true = y_true / 255", None
    elif len(values) == 2:
        cause = f"two codes, {number(values[0])} and {number(values[1])}"
        remedy, better = f"y_true = (y_true == {values[1]:g})", None
    elif _whole(values):
        cause = f"{len(values)} class numbers"
        remedy, better = "loss = lossary.SparseCategoricalCrossentropy()", known("sparse_categorical_crossentropy")
    else:
        cause, remedy, better = "numbers, not classes", "loss = lossary.MeanSquaredError()", "mean_squared_error"
    return Seen(
        f"{e.place('y_true', wrong)} is outside [0, 1]; so are {share(wrong.sum(), wrong.size)} targets. This "
        f"looks like "
        f"{cause}. {e.name} "
        + ("is no overlap then" if e.is_region else "would be unbounded below, and training runs off to infinity"),
        remedy,
        better,
    )


@rule(
    "LS207",
    "targets outside the loss's domain",
    bad="diagnose('poisson', reals, np.exp(margins))",
    clean="diagnose('poisson', counts, np.exp(margins))",
    needs="y_true",
)
def target_domain(e: Evidence) -> Seen | None:
    """Negative counts, amounts or probabilities."""
    if e.record.labels_are_integers or (e.is_binary and e.coding in ("bits", "probabilities")):
        return None
    domain = e.record.target
    wrong = ~domain.contains(e.targets) & np.isfinite(e.targets)
    if not wrong.any() or integers_for_rows(e) is not None:
        return None
    real = known("huber", "mean_squared_error")
    return Seen(
        f"{e.place('y_true', wrong)} is outside {domain.describe()}; so are {share(wrong.sum(), wrong.size)} targets. "
        f"{e.name} is not defined there: a logarithm of a negative number, or a loss without a minimum",
        f"loss = lossary.get({real!r})   # for real numbers; or shift the targets: y_true - y_true.min()",
        better=real,
    )


@rule(
    "LS208",
    "target rows that are no distributions",
    bad="diagnose('categorical_crossentropy', multi_label, softmax(scores))",
    clean="diagnose('binary_crossentropy', multi_label, sigmoid(scores))",
    needs="y_true",
)
def rows_without_unit_sum(e: Evidence) -> Seen | None:
    """Several classes at once, none, or unnormalised rows."""
    if e.coding != "one-hot" or e.targets.shape[1] < 2:
        return None
    sums = e.targets.sum(1)
    off = np.abs(sums - 1.0) >= OneHot.tolerance
    if not off.any() or not e.record.target.contains(e.targets).all():
        return None
    many = bool(_is_bits(e.targets) and (sums > 1).any())
    zero = bool((sums[off] == 0).all())
    remedy = "y_true = y_true / y_true.sum(-1, keepdims=True)"
    if many:
        remedy = "loss = lossary.BinaryCrossentropy()   # with Dense(C, activation='sigmoid')"
    elif zero:
        remedy = "loss(y_true, y_pred, where=y_true.sum(-1) > 0)"
    return Seen(
        f"{e.place('y_true', off)} sums to {number(sums[int(np.argmax(off))])}, not to 1; so do "
        f"{share(off.sum(), off.size)} rows. "
        + (
            "Rows with several classes are multi-label; a softmax can never give each of them a high probability"
            if many
            else "A row without any class adds nothing to the loss but counts in its mean"
            if zero
            else "The loss of such a row is scaled by its sum, and its minimum is not at y_true"
        ),
        remedy,
        better=known("binary_crossentropy") if many else None,
    )


@rule(
    "LS209",
    "percentages of targets near zero",
    severity="warning",
    bad="diagnose('mean_absolute_percentage_error', np.where(counts > 2, counts, 0.0), counts + 1.0)",
    clean="diagnose('mean_absolute_percentage_error', counts + 10.0, counts + 11.0)",
    needs="y_true",
)
def near_zero(e: Evidence) -> Seen | None:
    """An error relative to nothing."""
    if e.name not in RELATIVE:
        return None
    size = np.abs(e.targets)
    typical = float(np.median(size[size > 0])) if (size > 0).any() else 1.0
    tiny = size < 1e-3 * typical
    if not tiny.any():
        return None
    return Seen(
        f"{e.place('y_true', tiny)} is next to zero against a typical target of {number(typical)}; so are "
        f"{share(tiny.sum(), tiny.size)}. {e.name} divides by the target: an error of {number(typical / 10)} there "
        f"counts as "
        f"{number(100 * typical / 10 / max(float(size[tiny].min()), 1e-7))} percent and drowns everything else",
        "loss = lossary.MeanAbsoluteError()   # or lossary.MeanSquaredLogarithmicError() for positive amounts",
        better=known("mean_absolute_error"),
    )


@rule(
    "LS210",
    "targets far from unit scale under a squared loss",
    severity="warning",
    bad="diagnose('mean_squared_error', 1e4 * reals, 1e4 * reals + noise)",
    clean="diagnose('mean_squared_error', reals, reals + noise)",
    needs="y_true",
)
def scale(e: Evidence) -> Seen | None:
    """Gradients in proportion to the target's scale."""
    if e.name not in SQUARED or len(e.targets) < 8:
        return None
    unit = unit_of(e.targets)
    size = float(np.sqrt(np.mean(np.square(e.targets / unit)))) * unit
    mean, spread = moments(e.targets)
    if SMALL_SCALE <= size <= LARGE_SCALE or size == 0:
        return None
    effect = (
        f"the loss starts near {number(size**2)} and gradients are as large as the targets: steps of ordinary size "
        "diverge or saturate the network"
        if size > 1
        else f"the loss is at most about {number(size**2)} from the start, so it looks solved, and steps of ordinary "
        "size are as large as the signal"
    )
    return Seen(
        f"targets have mean {number(mean)}, standard deviation {number(spread)} and root mean square "
        f"{number(size)}, e.g. "
        f"{e.place('y_true', np.abs(e.targets) == np.abs(e.targets).max())}. Under {e.name} {effect}",
        "mean, std = y_true.mean(), y_true.std()\ny_true = (y_true - mean) / std   # and y_pred * std + mean "
        "afterwards",
    )


@rule(
    "LS211",
    "outliers under a squared loss",
    severity="warning",
    bad="diagnose('mean_squared_error', with_outliers, reals)",
    clean="diagnose('mean_squared_error', reals, reals + noise)",
    needs="y_true",
)
def outliers(e: Evidence) -> Seen | None:
    """A handful of targets that own the loss."""
    if e.name not in SQUARED:
        return None
    enough(len(e.targets), 30, "targets to tell outliers")
    found = outlying(e.targets)
    if found is None:
        return None
    which, owned, sigmas = found
    better = known("huber", "log_cosh")
    return Seen(
        f"{share(which.sum(), which.size)} targets lie more than 8 robust standard deviations from the median, the "
        f"farthest "
        f"{number(sigmas)}, first {e.place('y_true', which)}; they own {100 * owned:.0f}% of the squared "
        f"deviation, so a "
        "squared loss fits them at the cost of all the others",
        "loss = lossary.Huber(delta=1.0)   # on standardised targets; or lossary.LogCosh()",
        better,
    )


def unit_of(x: Floats) -> float:
    """The power of two below the largest magnitude: in this unit no difference or square overflows."""
    largest = float(np.abs(x).max())
    return math.ldexp(0.5, math.frexp(largest)[1]) if math.isfinite(largest) and largest > 0 else 1.0


def moments(x: Floats) -> tuple[float, float]:
    """Mean and standard deviation."""
    unit = unit_of(x)
    return float((x / unit).mean()) * unit, float((x / unit).std()) * unit


def outlying(targets: Floats) -> tuple[Floats, float, float] | None:
    """Which targets are outliers, their share of the squared deviation, and the farthest in robust deviations."""
    targets = targets / unit_of(targets)
    deviation = np.abs(targets - np.median(targets, axis=0))
    spread = ROBUST_SIGMA * np.median(deviation, axis=0)
    if not (spread > 0).all():
        return None
    far = deviation / spread
    which = far > 8
    squares = np.square(far / max(1.0, float(far.max())))
    owned = float(squares[which].sum() / squares.sum())
    if not which.any() or owned < 0.3:
        return None
    return np.asarray(which), owned, float(far.max())
