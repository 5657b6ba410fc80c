"""The advice for every task that targets can ask: what the adviser chooses among."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..objects.get import get
from .advice import Advice
from .evidence import number, share
from .targets import moments
from .traits import Traits


def binary(t: Traits) -> Advice:
    """One yes-or-no question per data point."""
    values = tuple(number(v) for v in t.values)
    ones = float((t.flat == t.high).mean())
    reasons = [f"only two values, {' and '.join(values)}: one yes-or-no question per data point"]
    alternatives = {
        "hinge": "you want a margin, not a probability (labels -1 and 1, linear output)",
        "binary_crossentropy with from_logits=True": "the output layer is linear; more accurate in both tails",
    }
    preparation = (
        "" if t.bits else f"y_true = (y_true == {t.high:g}).astype('float32')   # {values[0]} -> 0, {values[1]} -> 1"
    )
    if min(ones, 1 - ones) < 0.1 and len(t.values) > 1:
        reasons.append(
            f"unequal: {number(100 * ones)}% are {values[-1]}; weigh the rare class, and watch more than accuracy: "
            f"pos_weight={float(f'{(1 - ones) / ones:.2g}'):g} gives both classes the same say"
        )
        alternatives["binary_focal_crossentropy"] = "most points of the frequent class are easy and are to count less"
    metric = "binary_accuracy" if min(ones, 1 - ones) >= 0.1 else "AUC"
    return Advice(
        "two classes", get("binary_crossentropy"), 1, "sigmoid", metric, alternatives, tuple(reasons), True, preparation
    )


def classes(t: Traits) -> Advice:
    """One class per data point, as integers or names."""
    units = len(t.names) or int(t.high) + 1
    if units == 2:
        return _named_pair(t)
    shift = not t.names and t.low == 1
    reason = (
        f"text that names {units} classes: {', '.join(t.names[:4])}{', ...' if units > 4 else ''}"
        if t.names
        else f"the integers {number(t.low)} to {number(t.high)}, {len(t.values)} of them, about equally frequent"
        if t.unevenness < 0.2
        else f"the integers {number(t.low)} to {number(t.high)}, {len(t.values)} of them"
    )
    preparation = _CODES if t.names else "y_true = y_true - 1   # labels start at 0" if shift else ""
    return Advice(
        f"one class among {units - shift}",
        get("sparse_categorical_crossentropy"),
        units - shift,
        "softmax",
        "sparse_categorical_accuracy",
        {
            "categorical_crossentropy": "labels are one-hot rows, or you want label smoothing",
            "coral": "the classes have an order and near misses count less; one unit less than classes",
            **_if_uneven(t),
        },
        (reason,),
        True,
        preparation,
    )


def _if_uneven(t: Traits) -> dict[str, str]:
    """What helps where some classes are rare."""
    if t.unevenness < 0.5:
        return {}
    return {
        "sparse_categorical_crossentropy with class_weight=[...]": "rare classes are to count as much as frequent ones",
        "sparse_categorical_focal_crossentropy": "most points of the frequent classes are easy and are to count less",
    }


_CODES = "names, y_true = np.unique(y_true, return_inverse=True)   # text -> 0, 1, ..."


def _named_pair(t: Traits) -> Advice:
    if not t.names:
        return binary(t)
    reason = f"text that names two classes: {t.names[0]} and {t.names[1]}"
    preparation = f"y_true = (y_true == {t.names[1]!r}) * 1.0   # {t.names[0]} -> 0, {t.names[1]} -> 1"
    return replace(binary(t), reasons=(reason,), preparation=preparation)


def counts(t: Traits) -> Advice:
    """How often something happened."""
    mean, variance = float(t.flat.mean()), float(t.flat.var())
    kind = "whole numbers" if t.whole else "numbers"
    reasons = [
        f"{kind} from {number(t.low)} to {number(t.high)} with mean {number(mean)} and variance {number(variance)}"
    ]
    if variance > 2 * mean:
        reasons.append(
            "the variance exceeds the mean, more than a Poisson law allows; the fitted rate stays right, its error "
            "bars do not"
        )
    alternatives = {
        "mean_squared_logarithmic_error": "errors matter in proportion and counts are large",
        "mean_absolute_error": "the median is wanted rather than the mean",
    }
    if variance > 2 * mean:
        alternatives["negative_binomial_nll"] = "the spread itself is wanted: a mean and a dispersion per target"
    if float((t.flat == 0).mean()) > 0.5:
        alternatives["tweedie_deviance"] = "most are 0 and the rest are amounts, as in insurance: power between 1 and 2"
    few = len(t.values) <= 4
    if few:
        reasons.append(
            f"only {len(t.values)} different values, so they may name classes: say goal='counts' or 'classes'"
        )
    return Advice(
        "counts", get("poisson"), 1, "softplus", "root_mean_squared_error", alternatives, tuple(reasons), not few
    )


def ordinal(t: Traits, *, confident: bool = True) -> Advice:
    """Grades whose order means something."""
    reasons = [f"the whole numbers {number(t.low)} to {number(t.high)}, {len(t.values)} in all, like grades or ratings"]
    labels = f"y_true - {t.low:g}" if t.low else "y_true as it is"
    if not confident:
        reasons.append("about equally frequent, so they may name classes as well; say goal='ordinal' or 'classes'")
    return Advice(
        "grades in an order",
        get("mean_absolute_error"),
        1,
        "linear",
        "mean_absolute_error",
        {
            "coral": f"a probability for each grade that respects their order: {labels}, {len(t.values) - 1} linear "
            "units; steps between grades need not be equally wide, as they are for the mean absolute error",
            "corn": f"as coral, where the steps ask for different features: {labels}, {len(t.values) - 1} linear units",
            "sparse_categorical_crossentropy": f"the grades are mere names, or you want a probability for each: "
            f"{labels}, {len(t.values)} softmax units",
            "huber": "most predictions should be exact and a few may be far off",
        },
        tuple(reasons),
        confident,
    )


def proportions(t: Traits) -> Advice:
    """Numbers between 0 and 1."""
    return Advice(
        "proportions",
        get("binary_crossentropy"),
        t.columns,
        "sigmoid",
        "mean_absolute_error",
        {
            "mean_squared_error": "the numbers were only scaled to [0, 1] and the ends mean nothing",
            "kl_divergence": "rows of proportions that sum to 1",
            "beta_nll": "you want to know how sure each prediction is: two numbers of a beta distribution per target",
        },
        (
            f"numbers between 0 and 1 ({number(t.low)} to {number(t.high)}); binary_crossentropy takes targets "
            f"between 0 and 1",
        ),
        True,
    )


def robust(t: Traits) -> Advice:
    """Numbers with outliers."""
    assert t.outliers is not None
    count, far = t.outliers
    scale = 1.4826 * float(np.median(np.abs(t.flat - np.median(t.flat))))
    delta = float(f"{1.345 * scale:.2g}")
    return Advice(
        "numbers with outliers",
        get("huber", delta=delta),
        t.columns,
        "linear",
        "mean_absolute_error",
        {
            "log_cosh": "as robust, smooth everywhere; for standardised targets",
            "mean_absolute_error": "the median is wanted",
            "mean_squared_error": "the far values are the point and must be met",
        },
        (
            f"{share(count, t.flat.size)} lie more than 8 robust standard deviations away, the farthest {number(far)}; "
            "a squared loss would serve them alone",
            f"delta={delta:g} is 1.345 robust standard deviations of the targets; 1.345 of the residuals is the goal",
        ),
        True,
    )


def numbers(t: Traits) -> Advice:
    """Plain numbers."""
    mean, std = moments(t.flat)
    reasons = [f"numbers from {number(t.low)} to {number(t.high)} without outliers or a long tail"]
    preparation = ""
    if std > 0 and not (0.01 < std < 30 and abs(mean) < 100):
        reasons.append(f"mean {number(mean)} and standard deviation {number(std)}: standardise them first")
        preparation = f"y_true = (y_true - {mean:.6g}) / {std:.6g}"
    return Advice(
        "numbers",
        get("mean_squared_error"),
        t.columns,
        "linear",
        "mean_absolute_error",
        {
            "huber": "outliers turn up",
            "mean_absolute_error": "the median is wanted",
            "log_cosh": "as huber, smooth everywhere",
            "pinball": "too low and too high cost differently, or a quantile is wanted: quantile=0.9",
            "expectile": "as pinball, and large errors count more",
            "gaussian_nll": "you want to know how sure each prediction is: a mean and a variance per target",
            "interval_score": "you want an interval that holds 90% of the targets: two bounds per target",
        },
        tuple(reasons),
        True,
        preparation,
    )


def boxes(t: Traits) -> Advice:
    """Two corners per data point."""
    return Advice(
        "boxes",
        get("generalized_iou"),
        4,
        "linear",
        "mean_absolute_error",
        {
            "complete_iou": "as generalized_iou, and centres and proportions of boxes are to agree sooner",
            "smooth_l1": "corners are to be met in units, whatever the size of the box; detectors add both",
            "mean_squared_error": "the four numbers are no (x1, y1, x2, y2)",
        },
        (
            f"rows of four in each of which the third is above the first and the fourth above the second "
            f"({number(t.low)} to {number(t.high)}): corners (x1, y1, x2, y2)",
            "what counts of a box is how much of it overlaps the true one, which squared errors of corners do not "
            "tell: of a large box and a small one they ask for the same precision",
        ),
        True,
    )


def one_hot(t: Traits) -> Advice:
    """One class per row."""
    return Advice(
        f"one class among {t.columns}",
        get("categorical_crossentropy"),
        t.columns,
        "softmax",
        "categorical_accuracy",
        {
            "sparse_categorical_crossentropy": "labels are integers; saves memory",
            "categorical_hinge": "a margin is wanted, not probabilities",
        },
        (f"rows of {t.columns} with a single 1",),
        True,
    )


def multi_label(t: Traits) -> Advice:
    """Several classes at once."""
    sums = t.rows.sum(1)
    return Advice(
        f"{t.columns} yes-or-no questions per data point",
        get("binary_crossentropy"),
        t.columns,
        "sigmoid",
        "binary_accuracy",
        {"categorical_crossentropy": "exactly one of the columns holds for every data point"},
        (f"rows of 0 and 1 with {number(sums.min())} to {number(sums.max())} ones: several classes can hold at once",),
        True,
    )


def directions(t: Traits) -> Advice:
    """Unit vectors."""
    return Advice(
        f"directions in {t.columns} dimensions",
        get("cosine_similarity"),
        t.columns,
        "linear",
        "cosine_similarity",
        {"mean_squared_error": "lengths matter too"},
        ("rows of length 1, and not distributions",),
        True,
    )


def mask(t: Traits) -> Advice:
    """A picture of 0 and 1."""
    on = float((t.flat == t.high).mean())
    rare = on < 0.1
    reasons = [
        f"an array of shape {t.array.shape} with only {number(t.low)} and {number(t.high)}: a mask, "
        f"{number(100 * on)}% of it set"
    ]
    if rare:
        reasons.append("little of it is set: weigh those positions, and watch an overlap measure")
    alternatives = {"sparse_categorical_crossentropy": "more than two classes per position"}
    if rare:
        alternatives["binary_focal_crossentropy"] = "most positions are easy background and are to count less"
        axes = "axis=(1, 2)" if t.array.ndim > 2 else "axis=-1"
        alternatives["dice"] = f"the overlap itself is to grow, however little is set; with {axes}"
        alternatives["tversky"] = f"as dice, and what is missed costs more: beta above alpha; with {axes}"
    units = int(t.array.shape[-1]) if t.array.ndim > 3 else 1
    preparation = f"y_true = y_true / {t.high:g}" if t.high > 1 else ""
    return Advice(
        "masks",
        get("binary_crossentropy"),
        units,
        "sigmoid",
        "binary_accuracy" if not rare else "BinaryIoU",
        alternatives,
        tuple(reasons),
        True,
        preparation,
        spatial=True,
    )
