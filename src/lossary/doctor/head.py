"""Findings about a model's last layer: activation, number of units, reach."""

from __future__ import annotations

from . import parts
from .evidence import Evidence, NotCheckedError, known, number
from .fit import activation_fit
from .rules import Seen, rule

_TORCH = {
    "linear": "",
    "softmax": ", torch.nn.Softmax(dim=-1)",
    "sigmoid": ", torch.nn.Sigmoid()",
    "softplus": ", torch.nn.Softplus()",
    "tanh": ", torch.nn.Tanh()",
}


def _known_range(e: Evidence) -> tuple[float, float]:
    """The range of the last activation; without it a rule cannot tell."""
    assert e.head is not None
    if e.head.range is None:
        raise NotCheckedError(f"the activation {e.head.activation!r} of layer {e.head.layer!r} is not known")
    return e.head.range


def _layer(e: Evidence, units: object, activation: str) -> str:
    """The line for the last layer, in the model's own framework."""
    if e.head is not None and e.head.framework == "torch":
        return f"torch.nn.Linear(features, {units}){_TORCH[activation]}"
    return f"keras.layers.Dense({units}{'' if activation == 'linear' else f', activation={activation!r}'})"


@rule(
    "LS301",
    "output activation that does not fit the loss",
    needs="head",
    unless="LS101 LS102 LS103 LS107 LS109",
    bad="diagnose('categorical_crossentropy', one_hot, model=dense(5, 'linear'))",
    clean="diagnose('categorical_crossentropy', one_hot, model=dense(5, 'softmax'))",
)
def activation(e: Evidence) -> Seen | None:
    """The matrix of activations and losses."""
    assert e.head is not None
    _known_range(e)
    if e.parts:
        return parts.activation(e)
    fit = activation_fit(e.loss, e.head.activation)
    if fit.judgement in ("right", "works") or (e.head.units == 1 and e.head.activation == "softmax"):
        return None
    wanted = "linear" if e.from_logits else e.activation
    units = e.head.units or "units"
    remedy = _layer(e, units, wanted)
    better = None
    if "from_logits" in e.loss.parameters and e.head.activation in ("linear", e.activation):
        remedy = f"loss = {e.rewritten(from_logits=not e.from_logits)}   # or {remedy}"
    elif e.is_binary and not e.from_logits and e.head.activation == "softmax":
        better = "categorical_crossentropy"
        remedy = f"loss = lossary.CategoricalCrossentropy()   # or {remedy}"
    return Seen(
        f"the model ends in {e.head.units or 'some'} {e.head.activation} units (layer {e.head.layer!r}), but "
        f"{e.loss!r} expects "
        f"{'raw scores' if e.from_logits else f'{wanted} outputs'}: {fit.why}",
        remedy,
        better,
        severity="error" if fit.judgement == "wrong" else "warning",
    )


@rule(
    "LS302",
    "number of output units that does not fit the targets",
    needs="y_true head",
    unless="LS201",
    bad="diagnose('categorical_crossentropy', one_hot, model=dense(3, 'softmax'))",
    clean="diagnose('categorical_crossentropy', one_hot, model=dense(5, 'softmax'))",
)
def units(e: Evidence) -> Seen | None:
    """One unit per class or per target column."""
    assert e.head is not None
    e.check_meaning()
    have = e.head.units
    if e.targets_per_row:
        return None  # LS203 compares labels with units; of other outputs there may be any number.
    if have is None:
        raise NotCheckedError("the number of output units cannot be read from the model's structure")
    if e.parts:
        return parts.units(e)
    if have == 1 and (e.is_distribution or e.head.activation == "softmax"):
        return None
    columns = _columns(e)
    if columns == have or (e.is_distribution and columns == 1) or _channels_first(e):
        return None
    if e.is_binary and have == 2 and columns == 1:
        return Seen(
            f"the model has 2 output units and the targets are one column of {e.name}: the two do not line up. Two "
            "units with a softmax go with a categorical loss, one unit with a sigmoid goes with this one",
            f"{_layer(e, 1, 'linear' if e.from_logits else 'sigmoid')}\n"
            "# or keep two softmax units: loss = lossary.SparseCategoricalCrossentropy()",
            better=known("sparse_categorical_crossentropy"),
        )
    return Seen(
        f"the model has {have} output units (layer {e.head.layer!r}) and a target has {columns} columns; {e.name} "
        "compares them one by one",
        _layer(e, columns, "linear" if e.from_logits else e.activation),
    )


def _columns(e: Evidence) -> int:
    """How many numbers of y_true meet the units: those of a row, or of the last axis where a row is a region."""
    raw = e.raw_true
    if not e.is_region or raw is None or raw.ndim < 2:
        return int(e.targets.shape[1])
    if e.head is not None and e.head.rank not in (None, raw.ndim):
        raise NotCheckedError("y_true and the model's outputs do not have the same number of axes")
    return int(raw.shape[-1])


def _channels_first(e: Evidence) -> bool:
    """Whether the units are PyTorch's channels, which lie along axis 1 of grids."""
    assert e.head is not None
    raw = e.raw_true
    return e.head.framework == "torch" and raw is not None and raw.ndim > 2 and raw.shape[1] == e.head.units


@rule(
    "LS303",
    "softmax or classes over a single output unit",
    needs="head",
    unless="LS107",
    bad="diagnose('binary_crossentropy', bits, model=dense(1, 'softmax'))",
    clean="diagnose('binary_crossentropy', bits, model=dense(1, 'sigmoid'))",
)
def single_unit(e: Evidence) -> Seen | None:
    """A softmax over one unit is the constant 1."""
    assert e.head is not None
    if e.head.units != 1 or not (e.is_distribution or e.head.activation == "softmax"):
        return None
    softmax = e.head.activation == "softmax"
    return Seen(
        f"the model has one output unit (layer {e.head.layer!r}) "
        + (
            "with a softmax, which over a single unit is always 1: the output is constant and nothing is learnt"
            if softmax
            else f"and {e.name} compares the classes of a row: over one class it is constant and nothing is learnt"
        ),
        f"{_layer(e, 1, 'sigmoid')}\nloss = lossary.BinaryCrossentropy()   # or one unit per class",
        better=known("binary_crossentropy"),
    )


@rule(
    "LS304",
    "targets beyond the reach of the output activation",
    needs="y_true head",
    bad="diagnose('mean_squared_error', reals, model=dense(1, 'relu'))",
    clean="diagnose('mean_squared_error', counts, model=dense(1, 'relu'))",
)
def reach(e: Evidence) -> Seen | None:
    """A relu for negative targets, a sigmoid for targets above 1."""
    assert e.head is not None
    e.check_meaning()
    if e.coding in ("integers", "one-hot", "bits", "signs") or e.activation in ("softmax", "sigmoid"):
        return None
    if e.name == "cosine_similarity" or e.puts_in_order:
        return None
    low, high = _known_range(e)
    beyond = (e.targets < low) | (e.targets > high)
    if not beyond.any():
        return None
    return Seen(
        f"{e.place('y_true', beyond)}, but the model ends in {e.head.activation} (layer {e.head.layer!r}), whose "
        f"outputs "
        f"lie in [{number(low)}, {number(high)}]; {int(beyond.sum())} of {beyond.size} targets cannot be reached, "
        f"and the "
        "layer saturates trying",
        parts.layers(e)
        if e.parts
        else f"{_layer(e, e.head.units or 'units', 'linear')}   # or rescale the targets into the activation's range",
    )
