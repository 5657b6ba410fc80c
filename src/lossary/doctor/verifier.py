"""Whether a loss is sound: its derivative, its minimum, its behaviour at the edges, under a mask and with weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import backends
from ..calls.programs import Program, program_for
from ..errors import LossError, ParameterError, TraceError
from ..facts.arguments import Role
from ..facts.axes import ROW
from ..facts.domain import Domain, NonNegative, Positive, Real, Unit
from ..graph.node import walk
from ..objects.function import FunctionLoss
from ..objects.own_call import check_followed
from .evidence import Floats, number, resolved
from .probe import POINTS, Inputs, Probe
from .verification import Check, Verification

# Data points drawn where each is a trial of its own, and where each is compared closely.
_TRIES, _ROWS = 1000, 30

BACKENDS = ("numpy", *backends.FRAMEWORKS)
Property = Callable[[Probe], Iterator[Check]]
_PROPERTIES: list[tuple[str, Property]] = []


def _property(name: str) -> Callable[[Property], Property]:
    def enter(function: Property) -> Property:
        _PROPERTIES.append((name, function))
        return function

    return enter


def verify(loss: Any, backend: str = "numpy", *, seed: int = 0) -> Verification:
    """Whether a loss, built-in or your own, is sound: run it after writing a loss.

    Inputs are drawn from the loss's declared domains.  Checked are: the gradient against finite differences, a
    hand-written slope against the derived one, the minimum at the truth, zeros, tiny and huge inputs in float32, half
    precision, NaN under a mask, and weights; whether it is convex and its value at the truth are stated as facts.

    Args:
        loss: Anything `lossary.get` understands.
        backend: ``"numpy"``, ``"torch"``, ``"jax"``, ``"tensorflow"`` or ``"pytensor"``; a plain function that uses
            one framework needs that one.
        seed: Of the random inputs.

    Returns:
        A `Verification`: ``.ok``, ``.checks``; it prints, and has ``to_dict`` and ``to_json``.

    Raises:
        UnknownLossError: ``loss`` names no loss.
        ParameterError: ``backend`` is none of the five, or the loss is a head, or of a class whose ``__call__`` is its
            own.
        ModuleNotFoundError: The backend's framework is not installed.

    >>> import lossary
    >>> @lossary.loss
    ... def quartic(y_true, y_pred):
    ...     return lossary.words.mean((y_true - y_pred) ** 4)
    >>> lossary.verify(quartic).ok
    True
    """
    if backend not in BACKENDS:
        raise ParameterError(
            f"verify: backend is {backend!r}; accepted are {', '.join(map(repr, BACKENDS))}. The default is "
            "backend='numpy'"
        )
    found = resolved(loss)
    for term in getattr(found, "terms", (found,)):
        check_followed(term, "verify")
    probe = Probe(found, backends.by_name(backend), np.random.default_rng(seed))
    checks: list[Check] = []
    for name, examine in _PROPERTIES:
        try:
            with np.errstate(all="ignore"):
                checks.extend(examine(probe))
        except TraceError as error:
            checks = [Check("traced", "failed", f"{error}. Or pass backend='torch', 'jax' or 'tensorflow'")]
            break
        except NotImplementedError as error:
            checks.append(Check(name, "not checked", f"{backend} cannot do this: {str(error).splitlines()[0]}"))
        except LossError as error:
            checks.append(Check(name, "failed", f"the loss raises {type(error).__name__}: {error}"))
    return Verification(repr(found), backend, tuple(checks))


def _judged(name: str, holds: bool, detail: str) -> Check:
    return Check(name, "passed" if holds else "failed", detail)


def _has_constants(p: Probe) -> bool:
    """Whether a part of the formula counts as a constant; a function of a framework's own is not looked into."""
    if p.backend is not backends.NUMPY and isinstance(p.loss, FunctionLoss):
        return False
    return any(node.op == "detach" for node in walk([program_for(p.record, p.loss.parameters, backends.NUMPY).output]))


@_property("gradient")
def _gradient(p: Probe) -> Iterator[Check]:
    """Central differences; where the two one-sided ones disagree there is a kink, and nothing is compared."""
    if _has_constants(p):
        yield Check("gradient", "not checked", "a part of the formula counts as a constant, so differences say less")
        return
    if p.record.compared:
        yield from _gradient_of_sum(p)
        return
    wide = p.widest == "float64"
    step, tolerance = (6e-6, 1e-5) if wide else (1e-2, 2e-2)
    inputs = p.inputs(_ROWS)
    for place in p.record.predictions:
        if isinstance(p.domain(place), Unit):
            inputs[place] = 0.9 * inputs[place] + 0.05  # A step in either direction stays inside.
    _, gradients = p.total(inputs)
    middle = p.values(inputs)
    worst, kinks, at = 0.0, 0, ""
    for place, gradient in zip(p.record.predictions, gradients, strict=True):
        for j in range(p.columns):
            up, down = (p.values(_stepped(inputs, place, j, sign * step)) for sign in (1, -1))
            forward, backward, slope = (up - middle) / step, (middle - down) / step, (up - down) / (2 * step)
            scale = np.maximum(np.abs(slope), 1e-2)
            smooth = np.abs(forward - backward) < (0.01 if wide else 0.2) * scale
            kinks += int((~smooth).sum())
            off = np.where(smooth, np.abs(gradient[:, j] - slope) / scale, 0.0)
            off[~np.isfinite(gradient[:, j])] = np.inf
            if off.max() > worst:
                i = int(off.argmax())
                worst = float(off.max())
                at = f" at {p.record.inputs[place].shown}[{i}, {j}]: {number(gradient[i, j])} for {number(slope[i])}"
    skipped = f"; {kinks} places next to a kink left out" if kinks else ""
    shown = at if worst > tolerance else ""
    yield _judged("gradient", worst <= tolerance, f"off the finite difference by at most {worst:.1e}{shown}{skipped}")


def _gradient_of_sum(p: Probe) -> Iterator[Check]:
    """Where data points see each other, each element moves the values of all of them."""
    inputs, step = p.inputs(), 6e-6 if p.widest == "float64" else 1e-2
    worst = 0.0
    for place, gradient in zip(p.record.predictions, p.total(inputs)[1], strict=True):
        slopes = np.empty_like(gradient)
        for index in np.ndindex(gradient.shape):
            moved = [list(inputs), list(inputs)]
            for sign, each in zip((step, -step), moved, strict=True):
                each[place] = inputs[place].copy()
                each[place][index] += sign
            slopes[index] = (p.total(moved[0])[0] - p.total(moved[1])[0]) / (2 * step)
        worst = max(worst, float(np.abs(gradient - slopes).max() / max(np.abs(slopes).max(), 1e-2)))
    tolerance = 1e-5 if p.widest == "float64" else 2e-2
    yield _judged("gradient", worst <= tolerance, f"off the finite difference of the sum by at most {worst:.1e}")


def _stepped(inputs: Inputs, place: int, column: int, step: float) -> list[Floats]:
    """The inputs with one column of one of them moved."""
    moved = list(inputs)
    moved[place] = inputs[place] + step * (np.arange(inputs[place].shape[1]) == column)
    return moved


@_property("hand-written slope")
def _slope(p: Probe) -> Iterator[Check]:
    """The slope beside the formula is an optimisation; it must be the formula's derivative."""
    if p.record.slope is None:
        yield Check("hand-written slope", "fact", "none; the derivative is derived from the formula")
        return
    program = program_for(p.record, p.loss.parameters, backends.NUMPY)
    formula = Program(replace(p.record, slope=None), tuple(program.switches.items()))
    numbers = tuple(p.loss.parameters[name] for name in program.numbers)
    if p.record.compared:
        arrays = [each.domain.sample(p.rng, (_ROWS, p.outputs)) for each in p.record.seen]
    else:
        arrays = p.shaped(p.inputs(_ROWS))
    arrays = [x[:, None] if each.axes == ROW else x for x, each in zip(arrays, p.record.seen, strict=True)]
    worst, at = 0.0, ""
    for place in p.record.predictions:
        written, derived = (each.slope(backends.NUMPY, place)(*arrays, *numbers) for each in (program, formula))
        off = float(np.abs(written - derived).max() / max(1.0, np.abs(written).max()))
        if not off <= worst:
            worst, at = off, f" ({p.record.inputs[place].shown})" if len(p.record.predictions) > 1 else ""
    detail = f"off the derivative of the formula by at most {worst:.1e}"
    yield _judged("hand-written slope", worst < 1e-9, detail + at)


@_property("minimum")
def _minimum(p: Probe) -> Iterator[Check]:
    """No prediction scores better than the truth."""
    inputs = p.inputs(_TRIES)
    perfect = p.perfect(inputs)
    if perfect is None:
        reason = "it does not follow from the arguments which predictions are best"
        yield Check("minimum", "not checked", reason)
        return
    truth = p.replaced(inputs, perfect)
    best = p.values(truth)
    nearby = p.rng.random((_TRIES, 1)) * p.rng.choice([0.2, 1.0], (_TRIES, 1))
    mixed = [(1 - nearby) * one + nearby * other for one, other in zip(perfect, p.predictions(inputs), strict=True)]
    value = p.values(p.replaced(inputs, mixed))
    lower = best - value - 1e-6 * np.maximum(1.0, np.abs(best))
    if (lower > 0).any():
        i = int(lower.argmax())
        targets = [x for x, each in zip(inputs, p.record.inputs, strict=True) if each.role is Role.TARGET]
        met, wanted = (", ".join(_row(np.atleast_1d(x[i])) for x in rows) for rows in (mixed, targets))
        detail = f"{number(value[i])} at {p.named} = {met} for the target {wanted}, "
        yield _judged("minimum", False, f"{detail}below the {number(best[i])} of a perfect prediction")
        return
    low, high = float(best.min()), float(best.max())
    shown = number(low) if high - low < 1e-6 else f"{number(low)} to {number(high)}"
    yield _judged("minimum", True, f"no better value than at the truth in {_TRIES} tries")
    yield Check("value at the truth", "fact", shown)
    _, gradients = p.total(truth)
    finite = all(np.isfinite(gradient).all() for gradient in gradients)
    largest = max(float(np.abs(gradient).max()) for gradient in gradients)
    yield _judged("gradient at the truth", finite, f"largest entry {number(largest)}")


def _row(row: Floats) -> str:
    return f"[{', '.join(number(x) for x in row)}]"


@_property("sign and convexity")
def _shape(p: Probe) -> Iterator[Check]:
    """Facts: the smallest value met, and whether the midpoint ever lies above the chord."""
    inputs = p.inputs(_TRIES)
    a, b = p.predictions(inputs), p.drawn(_TRIES)
    between = [(one + other) / 2 for one, other in zip(a, b, strict=True)]
    left, right, middle = (p.values(p.replaced(inputs, x)) for x in (a, b, between))
    least = min(float(left.min()), float(right.min()))
    bulge = float((middle - (left + right) / 2 - 1e-9 * (1 + np.abs(middle))).max())
    convex = bulge <= (0.0 if p.widest == "float64" else 1e-5)
    yield Check("sign", "fact", f"values from {number(least)} up on ordinary inputs")
    yield Check(
        "convexity",
        "fact",
        f"convex in {p.named} where tried" if convex else f"not convex: bulges by {number(bulge)}",
    )


@_property("extreme inputs")
def _extremes(p: Probe) -> Iterator[Check]:
    """Float32 must be finite, and close to double precision, wherever the answer fits into float32."""
    kinds = {
        "zeros": (0.0,),
        "tiny": (1e-30, 1e-38),
        "small": (1e-6, 1e-4, 1e-2),
        "large": (1e4, 88.0),
        "huge": (1e18, 1e30),
    }
    if any(isinstance(domain, Unit) for domain in p.domains):
        kinds = {"zeros and ones": (0.0, 1.0), "tiny": (1e-30, 1e-10), "next to one": (1 - 6e-8, 1 - 6e-7)}
    for name, sizes in kinds.items():
        inputs = p.inputs(predicted=[_extreme(p, domain, sizes) for domain in p.domains])
        for place, each in enumerate(p.record.inputs):
            # Small differences are where careless formulas lose their digits.
            if name == "small" and each.role is not Role.PREDICTION and isinstance(each.domain, Real):
                inputs[place] = 0.0 * inputs[place]
        yield _agrees(p, name, inputs, "float32", tolerance=1e-4)


def _extreme(p: Probe, domain: Domain, sizes: Sequence[float]) -> Floats:
    """Predictions of these sizes, with any sign that the set allows."""
    found: Floats = p.rng.choice(sizes, (POINTS, p.columns)).astype(np.float32)
    if isinstance(domain, Positive):
        return np.maximum(found, np.float32(1e-30))
    if isinstance(domain, NonNegative | Unit):
        return found
    signs = [-1.0, 1.0] if domain.high > 0.0 else [-1.0, -1.0]
    return np.asarray(found * p.rng.choice(signs, found.shape).astype(np.float32))


@_property("half precision")
def _half(p: Probe) -> Iterator[Check]:
    """Half precision is computed in float32 and rounded once."""
    yield _agrees(p, "half precision", p.inputs(), "float16", tolerance=5e-3)


def _alternating(shape: tuple[int, ...]) -> Floats:
    """Directions in which numbers are moved by their last digit."""
    return np.where(np.arange(math.prod(shape)) % 2, 1.0, -1.0).reshape(shape)


def _agrees(p: Probe, name: str, inputs: Inputs, dtype: str, *, tolerance: float) -> Check:
    """Compares values and gradients in a dtype with those in float64."""
    if p.widest != "float64":
        return Check(
            name, "not checked", f"{p.backend.name} computes in {p.widest} here, so there is no wider reference"
        )
    narrow = [x.astype(dtype) if x.dtype.kind == "f" else x for x in inputs]
    wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in narrow]
    beside = list(wide)
    for place in p.record.predictions:
        if isinstance(p.domain(place), Real | NonNegative):
            beside[place] = wide[place] * (1.0 + float(np.finfo(dtype).eps) * _alternating(wide[place].shape))
    runs = [(p.values(x, d), *p.total(x, d)[1]) for x, d in ((narrow, dtype), (wide, "float64"), (beside, "float64"))]
    most, least = float(np.finfo(dtype).max), float(np.finfo(dtype).tiny)
    sizes = [np.where(np.isfinite(x) & (np.abs(x) < 0.5 * most), np.abs(x), 0.0) for x in runs[1]]
    scales = [sizes[0], *_scales(p, sizes[1:])]
    worst = 0.0
    for place, (got, exact, moved, scale) in enumerate(zip(*runs, scales, strict=True)):
        what = "gradient" if place else "value"
        fits = np.isfinite(exact) & (np.abs(exact) < 0.5 * most)
        broken = fits & ~np.isfinite(got)
        if broken.any():
            i = tuple(int(k) for k in np.argwhere(broken)[0])
            return _judged(name, False, f"the {what} at {i} is {got[i]} in {dtype} and {number(exact[i])} in float64")
        off = np.where(fits, np.abs(got - exact) / np.maximum(scale, least / tolerance), 0.0)
        # Where the last digit of the inputs decides, as between large numbers that cancel, there is no more to have.
        off[(off > tolerance) & (np.abs(got - exact) <= np.abs(moved - exact))] = 0.0
        worst = max(worst, float(off.max()))
    return _judged(name, worst <= tolerance, f"{dtype} is off float64 by at most {worst:.1e}, value and gradient")


def _scales(p: Probe, sizes: Sequence[Floats]) -> list[Floats]:
    """The scale of each gradient: the largest slope of the row, as entries come out of one another's differences.

    So do predictions that are all plain numbers, such as the corners of a box or what is compared with an anchor.
    """
    largest = [size.max(-1, keepdims=True) for size in sizes]
    plain = [x for x, domain in zip(largest, p.domains, strict=True) if type(domain) is Real]
    together = np.max(plain, axis=0) if len({x.shape for x in plain}) == 1 else None
    return [
        x if together is None or type(domain) is not Real else together
        for x, domain in zip(largest, p.domains, strict=True)
    ]


@_property("mask")
def _mask(p: Probe) -> Iterator[Check]:
    """NaN under a mask touches neither value nor gradient."""
    inputs = p.inputs()
    kept = np.arange(POINTS) % 3 != 1
    poisoned = [np.where(kept[:, None], x, np.nan) for x in p.predictions(inputs)]
    value, gradients = p.total(p.replaced(inputs, poisoned), where=kept)
    alone, slopes = p.total([x[kept] for x in inputs])
    same = np.isclose(value, alone, rtol=1e-5) and all(
        np.allclose(gradient[kept], slope, rtol=1e-5, atol=1e-7)
        for gradient, slope in zip(gradients, slopes, strict=True)
    )
    under = next((g[~kept] for g in gradients if not (g[~kept] == 0).all()), gradients[0][~kept])
    clean = bool((under == 0).all())
    detail = (
        "NaN under it touches neither value nor gradient"
        if same and clean
        else (f"value {number(value)} for {number(alone)}; gradient under the mask {_row(under[0])}")
    )
    yield _judged("mask", bool(same and clean), detail)


@_property("weights")
def _weights(p: Probe) -> Iterator[Check]:
    """A whole weight is the data point that many times; weight 0 is its absence."""
    if p.record.compared:
        yield Check("weights", "not checked", "a data point that is there twice is compared with itself")
        return
    inputs = p.inputs()
    weights = np.arange(POINTS) % 3
    value, gradients = p.total(inputs, sample_weight=weights.astype(np.float64))
    repeated, _ = p.total([np.repeat(x, weights, 0) for x in inputs])
    _, slopes = p.total(inputs)
    same = np.isclose(value, repeated, rtol=1e-5) and all(
        np.allclose(gradient, weights[:, None] * slope, rtol=1e-5, atol=1e-7)
        for gradient, slope in zip(gradients, slopes, strict=True)
    )
    yield _judged("weights", bool(same), f"weighted {number(value)}, repeated {number(repeated)}")
