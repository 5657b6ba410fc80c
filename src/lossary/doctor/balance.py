"""Findings about how targets are spread: missing values, classes that are rare, targets that never vary."""

from __future__ import annotations

import numpy as np

from .evidence import Evidence, Floats, known, number, share
from .rules import Seen, enough, rule

# A class is rare with less than this share of what it would have if all were equal.
RARE = 0.1


@rule(
    "LS220",
    "NaN or infinite targets",
    bad="diagnose('mean_squared_error', np.where(reals > 1, np.nan, reals), reals)",
    clean="diagnose('mean_squared_error', reals, reals + noise)",
    needs="y_true",
)
def not_finite(e: Evidence) -> Seen | None:
    """A missing target."""
    broken = ~np.isfinite(e.targets)
    if not broken.any():
        return None
    return Seen(
        f"{e.place('y_true', broken)}; {share(broken.sum(), broken.size)} targets are NaN or infinite. One of them "
        f"makes "
        "the loss of the batch NaN, and every weight with it; multiplying by a weight of 0 does not help, as 0 * "
        "NaN is NaN",
        "loss(y_true, y_pred, where=np.isfinite(y_true))   # or drop those rows",
    )


@rule(
    "LS221",
    "rare classes",
    severity="warning",
    bad="diagnose('binary_crossentropy', rare_bits, rare_probabilities)",
    clean="diagnose('binary_crossentropy', bits, sigmoid(margins))",
    needs="y_true",
)
def imbalance(e: Evidence) -> Seen | None:
    """A class so rare that ignoring it is nearly free."""
    if e.is_region:
        return None  # An overlap is no cheaper for a small region.
    if e.is_binary and e.coding == "bits":
        return _rare_bits(e)
    labels = e.labels
    if labels is None or not e.is_distribution:
        return None
    enough(len(labels), 100, "targets to tell rare classes")
    counts = np.bincount(labels, minlength=e.targets.shape[1] if not e.record.labels_are_integers else 0)
    present = counts[counts > 0]
    rarest = int(np.where(counts > 0, counts, counts.max() + 1).argmin())
    if len(present) < 2 or counts[rarest] * len(present) > RARE * len(labels) or len(labels) < 20 * len(present):
        return None
    return Seen(
        f"class {rarest} has {share(counts[rarest], len(labels))} data points and class {counts.argmax()} has "
        f"{share(counts.max(), len(labels))}. Ignoring the rare one costs the mean loss almost nothing, so that is "
        f"what "
        "a model learns first",
        "counts = np.bincount(labels)\nmodel.fit(x, y, class_weight=dict(enumerate(len(labels) / (len(counts) * "
        "counts))))",
        better=known("categorical_focal_crossentropy", "focal_loss"),
    )


def _rare_bits(e: Evidence) -> Seen | None:
    enough(len(e.targets), 100, "targets to tell rare classes")
    positive = (e.targets > 0.5).mean(0)
    rare = np.minimum(positive, 1 - positive)
    column = int(np.where(rare > 0, rare, 1).argmin())
    if not 0 < rare[column] < RARE / 2:
        return None
    share_of_ones = float(positive[column])
    ones = share((e.targets[:, column] > 0.5).sum(), len(e.targets))
    entropy = float(base_entropy(positive[column]))
    minority = int(share_of_ones < 0.5)
    heavy = (1 - rare[column]) / rare[column]
    at = f" in column {column}" if e.targets.shape[1] > 1 else ""
    return Seen(
        f"{ones} targets are 1{at}. Answering the base rate {number(share_of_ones)} everywhere already scores "
        f"{entropy:.4f} and an "
        f"accuracy of {100 * (1 - rare[column]):.3g}%, so a low loss says little about the rare class",
        f"model.fit(x, y, class_weight={{{minority}: {heavy:.3g}, {1 - minority}: 1.0}})   # or sample_weight=",
        better=known("binary_focal_crossentropy", "focal_loss"),
    )


def base_entropy(p: Floats) -> Floats:
    """Entropy of a coin in nats."""
    p = np.clip(p, 1e-300, 1 - 1e-16)
    return np.asarray(-p * np.log(p) - (1 - p) * np.log1p(-p))


@rule(
    "LS222",
    "targets that never vary",
    severity="warning",
    bad="diagnose('mean_squared_error', 0 * reals + 2.0, reals)",
    clean="diagnose('mean_squared_error', reals, reals + noise)",
    needs="y_true",
)
def unvarying(e: Evidence) -> Seen | None:
    """Nothing to learn."""
    if not (e.targets == e.targets[0]).all():
        return None
    enough(len(e.targets), 100, "targets to tell that they never vary")
    return Seen(
        f"all {len(e.targets)} targets are {number(e.targets[0, 0])}. There is nothing to learn here: a file sorted by "
        "target, a wrong column, or a filter that removed the other classes",
        "order = np.random.default_rng(0).permutation(len(y)); x, y = x[order], y[order]   # then look again",
    )


@rule(
    "LS223",
    "class numbers under a loss for real numbers",
    severity="note",
    bad="diagnose('mean_squared_error', labels, 2 + noise[:, 0])",
    clean="diagnose('sparse_categorical_crossentropy', labels, softmax(scores))",
    needs="y_true",
)
def classes_as_numbers(e: Evidence) -> Seen | None:
    """Integers 0..C-1 that may name classes."""
    e.check_meaning()
    raw = e.raw_true
    if e.coding != "numbers" or e.puts_in_order or raw is None or raw.dtype.kind not in "iu" or e.targets.shape[1] != 1:
        return None
    values = np.unique(raw)
    if not 3 <= len(values) <= 20 or values[0] != 0 or values[-1] != len(values) - 1 or len(raw) < 10 * len(values):
        return None
    return Seen(
        f"y_true holds the integers 0 to {values[-1]}, all {len(values)} of them. If they name classes, {e.name} "
        f"makes class 0 "
        f"three times farther from class 3 than from class 1, which means nothing",
        f"loss = lossary.SparseCategoricalCrossentropy()   # with {len(values)} softmax units, if they are classes",
        better=known("sparse_categorical_crossentropy"),
    )


@rule(
    "LS224",
    "more zeros than a law of counts allows",
    severity="note",
    bad="diagnose('poisson', np.where(bits > 0, counts + 3, 0.0), np.exp(margins))",
    clean="diagnose('poisson', counts, np.exp(margins))",
    needs="y_true",
)
def surplus_zeros(e: Evidence) -> Seen | None:
    """Zeros that come from another process than the counts."""
    if e.coding != "counts":
        return None
    enough(len(e.targets), 100, "targets to tell how many zeros are too many")
    zeros, mean = float((e.targets == 0).mean()), float(e.targets.mean())
    allowed = float(np.exp(-mean))
    if zeros < allowed + 0.2:
        return None
    return Seen(
        f"{share((e.targets == 0).sum(), e.targets.size)} targets are 0, while a Poisson law of their mean "
        f"{number(mean)} "
        f"has {number(100 * allowed)}%, first {e.place('y_true', e.targets == 0)}. If the zeros are cases of their "
        f"own, "
        "one rate for both fits neither",
        "is_zero = y_true == 0\nloss = lossary.BinaryCrossentropy()   # for is_zero; lossary.Poisson() for "
        "y_true[~is_zero]",
    )
