"""What every kernel obeys, against 60-digit references: an error budget, totals, weights, masks and faults.

A kernel may be off by what the plain formula is off by, over inputs of all kinds, and one unit in the last place more:
it rounds in another order, so that other inputs are its worst.  Each law raises AssertionError when broken.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby
from typing import Any

import numpy as np

import accuracy
import oracle
from inputs import Setting, is_separable
from kernel_edges import edges
from lossary import DomainError
from lossary.facts.record import Parameter
from lossary.objects.define import Loss

KINDS = (*accuracy.KINDS, "edges")
# Units in the last place of float64 are smaller than those of float32 by this.
_FINER = {"float32": 1.0, "float64": 2.0**-29}


@dataclass(frozen=True, eq=False)
class Row:
    """One data point with its exact value and slopes, and what one unit in the last place of each is."""

    t: Any
    p: Any
    value: Any
    slopes: tuple[Any, ...]
    units: tuple[Any, ...]


@cache
def rows(setting: Setting, kind: str, dtype: str, most: int) -> tuple[Row, ...]:
    """Data points of one kind, at most so many of each width."""
    return tuple(_row(setting, t, p, dtype) for t, p in _inputs(setting, kind, dtype, most))


def _inputs(setting: Setting, kind: str, dtype: str, most: int) -> Iterator[tuple[Any, Any]]:
    parameters = dict(setting.parameters)
    batches = edges(setting) if kind == "edges" else accuracy.inputs(setting.record, parameters, kind)
    for y_true, y_pred in batches:
        for t, p in list(zip(y_true, y_pred, strict=True))[: None if kind == "edges" else most]:
            # Numbers that float32 holds would multiply without rounding in float64.
            fine = p.astype(dtype) * (1.0 if dtype == "float32" else 1.0 - 2.0**-40)
            yield (t.astype(dtype) if setting.has_float_targets else t), fine.astype(dtype)


def _row(setting: Setting, t: Any, p: Any, dtype: str) -> Row:
    record, parameters = setting.record, dict(setting.parameters)
    value = oracle.value(record.name, t, p, **parameters)
    slopes = tuple(oracle.slope(record.name, t, p, **parameters))
    units = [accuracy.unit(record, t, p, parameters, value, None)]
    units += [accuracy.unit(record, t, p, parameters, slope, index) for index, slope in enumerate(slopes)]
    return Row(t, p, value, slopes, tuple(unit * _FINER[dtype] for unit in units))


Result = tuple[Any, Any]


def in_words(loss: Loss, t: Any, p: Any, **options: Any) -> Result:
    """Value and gradient by the plain formula."""
    return loss.batch(t, p, fusible=False, **options).value_and_gradient(loss.reduction)


def in_kernel(loss: Loss, t: Any, p: Any, **options: Any) -> Result | None:
    """Value and gradient by the kernel; None where it leaves the call to the plain formula."""
    fused = loss.batch(t, p, fusible=True, **options).fused
    assert fused is not None, "no kernel took the call"
    found = fused.reduced(loss.reduction, gradient=True)
    return None if found is None else (found[0], *found[1])


def assert_same(got: Any, expected: Any, dtype: str, size: float = 1e-30) -> None:
    """Both results, each with the error it may have, differ by a few units in the last place of the largest entry.

    ``size`` is that of the terms of a sum, where they may cancel.
    """
    eps = float(np.finfo(dtype).eps)
    for a, b in zip(got, expected, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype == dtype
        scale = max(float(np.max(np.abs(b), initial=0.0)), size if b.ndim == 0 else 1e-30)
        np.testing.assert_allclose(a, b, rtol=16 * eps, atol=8 * eps * scale)


def _account(row: Row, found: Result, accounts: tuple[accuracy.Account, accuracy.Account]) -> None:
    place = f"t={row.t.tolist()} p={row.p.tolist()}"
    value, *slopes = row.units
    accounts[0].add(float(found[0][0]), row.value, lambda: value, place, value)
    for index, (got, wanted, unit) in enumerate(zip(found[1][0], row.slopes, slopes, strict=True)):
        accounts[1].add(float(got), wanted, lambda unit=unit: unit, f"{place} [{index}]", unit)


def _accounts() -> tuple[accuracy.Account, accuracy.Account]:
    return accuracy.Account(), accuracy.Account()


@cache
def _plain(setting: Setting, dtype: str, most: int) -> tuple[float, float]:
    """How far the plain formula is off, in units in the last place: value and slope."""
    accounts = _accounts()
    for row in (row for kind in KINDS for row in rows(setting, kind, dtype, most)):
        _account(row, in_words(setting.configured(reduction="none"), row.t[None], row.p[None]), accounts)
    return accounts[0].worst, accounts[1].worst


def error_budget(loss: Loss, setting: Setting, dtype: str = "float32", most: int = 6) -> None:
    """Every value and slope is finite, alive where the answer is, and as accurate as the plain formula's."""
    taken = refused = 0
    for kind in KINDS:
        accounts = _accounts()
        for row, found in _results(loss, rows(setting, kind, dtype, most)):
            taken, refused = taken + (found is not None), refused + (found is None)
            if found is not None:
                _account(row, found, accounts)
        for account, plain in zip(accounts, _plain(setting, dtype, most), strict=True):
            assert account.nonfinite == 0, (kind, account.examples[:3])
            assert account.dead == 0, (kind, account.examples[:3])
            assert account.worst <= plain + 1.0, (kind, plain, account.worst, account.where)
    assert taken > 2 * refused, (taken, refused)


def _results(loss: Loss, some: Sequence[Row]) -> Iterator[tuple[Row, Result | None]]:
    """Each row's result; rows that are left to the words do not take the others with them."""
    for _, group in groupby(some, key=lambda row: len(row.p)):
        same = list(group)
        found = in_kernel(loss, *stacked(same))
        for number, row in enumerate(same):
            if found is None:
                yield row, in_kernel(loss, row.t[None], row.p[None])
            else:
                yield row, (found[0][number : number + 1], found[1][number : number + 1])


def batches(setting: Setting, most: float = 10) -> list[list[Row]]:
    """Data points of one width each that a kernel takes together: ordinary ones, and the milder edges."""
    ordinary = [row for row in rows(setting, "ordinary", "float32", 6) if len(row.p) in (1, 3)]
    mild = [
        row for row in rows(setting, "edges", "float32", 6) if max(np.max(np.abs(row.t)), np.max(np.abs(row.p))) < most
    ]
    return [list(group) for some in (ordinary, mild) for _, group in groupby(some, key=lambda row: len(row.p))]


def with_far(setting: Setting) -> list[tuple[list[Row], bool]]:
    """These batches, which kernels take, and every edge by itself, which they may leave to the words."""
    alone = rows(setting, "edges", "float32", 6)
    return [*((some, True) for some in batches(setting)), *(([row], False) for row in alone)]


def stacked(some: Sequence[Row]) -> tuple[Any, Any]:
    """Targets and predictions as arrays."""
    return np.stack([row.t for row in some]), np.stack([row.p for row in some])


def with_reduction(loss: Loss, reduction: str) -> Loss:
    """The same loss with another reduction."""
    return type(loss)(**{**loss.parameters, "reduction": reduction})


def totals_weights_and_masks(loss: Loss, setting: Setting) -> None:
    """A sum and a mean with weights and masks, with and without a gradient, from exact values and slopes."""
    for some in batches(setting):
        weights = np.linspace(0.5, 2.0, len(some), dtype="float32")
        keep = np.arange(len(some)) % 3 != 1
        for weighted, masked in itertools.product((False, True), repeat=2):
            factor = np.ones(len(some)) * (weights if weighted else 1.0) * (keep if masked else 1.0)
            options = ({"sample_weight": weights} if weighted else {}) | ({"where": keep} if masked else {})
            points = keep.sum() if masked else len(some)
            _reduced(with_reduction(loss, "sum"), some, factor, options)
            _reduced(with_reduction(loss, "sum_over_batch_size"), some, factor / points, options)
    for row in rows(setting, "edges", "float32", 6):
        _reduced(with_reduction(loss, "sum"), [row], np.ones(1), {}, far=_far(setting))


def _far(setting: Setting) -> tuple[float, float]:
    """Units in the last place by which value and slope may be off far out, where the plain formula may be, too."""
    value, slope = _plain(setting, "float32", 6)
    return max(8.0, value + 1.0), max(8.0, slope + 1.0)


def _reduced(
    loss: Loss, some: list[Row], factor: Any, options: dict[str, Any], *, far: tuple[float, float] | None = None
) -> None:
    """With ``far`` as tolerances of value and slope the kernel may leave the call to the words."""
    most, steepest = far or (8.0, 8.0)
    t, p = stacked(some)
    fused = loss.batch(t, p, fusible=True, **options).fused
    assert fused is not None
    values = np.array([float(row.value) for row in some])
    size = float(np.sum(np.abs(values) * factor)) + sum(float(r.units[0]) for r in some) / accuracy.EPSILON
    for gradient in (True, False):
        found = fused.reduced(loss.reduction, gradient=gradient)
        if found is None and far:
            continue
        assert found is not None
        atol = most * accuracy.EPSILON * size
        np.testing.assert_allclose(float(found[0]), np.sum(values * factor), rtol=0, atol=atol)
        _slopes_are(some, factor, (found[1] or fused.gradients(factor.astype("float32")))[0], steepest)


def _slopes_are(some: list[Row], factor: Any, got: Any, most: float = 8.0) -> None:
    for row, mine, scale in zip(some, got, factor, strict=True):
        wanted = np.array([float(x) for x in row.slopes]) * scale
        fits = np.abs(wanted) < accuracy.LARGEST / 2
        units = np.array([float(x) for x in row.units[1:]])
        assert np.all(np.abs(mine - wanted)[fits] <= most * scale * units[fits]), (mine, wanted)


def values_alone(loss: Loss, setting: Setting) -> None:
    """Values without a gradient, and the gradient for factors that come later; also under a mask that keeps all."""
    for (some, is_taken), masked in itertools.product(with_far(setting), (False, True)):
        options = {"where": np.ones(len(some), bool)} if masked else {}
        fused = loss.batch(*stacked(some), fusible=True, **options).fused
        assert fused is not None
        values, upstream = fused.values(), np.linspace(-1.0, 2.0, len(some), dtype="float32")
        if values is None and not is_taken:
            continue
        assert values is not None
        most, steepest = (8.0, 8.0) if is_taken else _far(setting)
        for row, value in zip(some, values, strict=True):
            assert abs(float(value) - float(row.value)) <= most * float(row.units[0])
        _slopes_are(some, np.abs(upstream), fused.gradients(upstream)[0] * np.sign(upstream)[:, None], steepest)


def nothing_leaks_from_under_a_mask(loss: Loss, setting: Setting) -> None:
    """NaN in masked rows: value and slope are 0 there, and what they would be elsewhere."""
    for some, is_taken in with_far(setting):
        keep = np.arange(len(some)) % 3 != 1
        t, p = stacked(some)
        expected = in_kernel(loss, t[keep], p[keep])
        found = in_kernel(loss, t, np.where(keep[:, None], p, np.float32(np.nan)), where=keep)
        if found is None and not is_taken:
            continue
        assert found is not None
        assert expected is not None
        np.testing.assert_array_equal(found[0][keep], expected[0])
        np.testing.assert_array_equal(found[1][keep], expected[1])
        assert not found[0][~keep].any()
        assert not found[1][~keep].any()


# Inside, at the edge of and outside every domain there is; as labels, 0 to 2 are classes.
_PROBES = (-2.0, -1.0, -0.02, -1e-3, 0.0, 0.02, 0.5, 1.0, 1.01, 1.04, 2.0, 3.0, np.nan)


def faults_are_seen(loss: Loss, setting: Setting) -> None:
    """The kernel looks at the values exactly when one of them is refused without kernels."""
    for some in batches(setting)[:2]:
        t, p = stacked(some[:5])  # Long rows are taken by four.
        for reduction, masked in itertools.product(("none", "sum"), (False, True)):
            own = with_reduction(loss, reduction)
            options = {"where": np.ones(len(t), bool)} if masked else {}
            places = [(number % p.shape[0], number % p.shape[1]) for number in range(len(_PROBES))]
            # NaN is refused everywhere, so it also shows where nobody looks.
            everywhere = [(np.nan, place) for place in np.ndindex(len(t), p.shape[1])]
            for probe, place in [*zip(_PROBES, places, strict=True), *everywhere]:
                _looks_when_refused(own, t, _put(p, place, probe), options)
                if setting.has_float_targets:
                    _looks_when_refused(own, _put(t, place, probe), p, options)
                elif not np.isnan(probe):
                    _looks_when_refused(own, _put(t, place[:1], probe), p, options)


def _put(x: Any, place: tuple[int, ...], value: float) -> Any:
    changed = x.copy()
    changed[place] = value
    return changed


def _looks_when_refused(loss: Loss, t: Any, p: Any, options: dict[str, Any]) -> None:
    try:
        loss.batch(t, p, fusible=False, **options)
        refused = False
    except DomainError:
        refused = True
    fused = loss.batch(t, p, fusible=True, **options).fused
    assert fused is not None
    for gradient in (True, False):
        seen: list[bool] = []
        fused.look = partial(seen.append, True)
        fused.reduced(loss.reduction, gradient=gradient)
        assert bool(seen) == refused, (t.tolist(), p.tolist())


def parameters_reach_the_kernel(loss: Loss, setting: Setting) -> None:
    """With other parameters the kernels give what the plain formula gives, which is something else than before."""
    for changed, (reduction, masked), some in itertools.product(_changes(setting), _USES, batches(setting, 200)):
        # The formula is the original one, whatever has been done to the loss at hand.
        original = setting.configured(reduction=reduction, **changed)
        own = type(loss)(**{**loss.parameters, **original.parameters, "reduction": reduction})
        for t, p in _beside_soft_targets(setting, *_finite(original, *stacked(some))):
            _agree(own, original, t, p, {"where": np.ones(len(t), bool)} if masked else {})


def _changes(setting: Setting) -> Iterator[dict[str, float]]:
    """One parameter after the other at other values, and each once more beside a clip that is off."""
    numbers = [p for p in setting.record.parameters if p.is_number]
    if not setting.parameters:  # The temperature of probabilities.
        numbers = [p for p in numbers if not (p.name == "temperature" and p.shared)]
    clips = [p for p in numbers if 0.0 < p.default < 1e-3 and 0.0 in others(p)]
    for parameter in numbers:
        yield from ({parameter.name: other} for other in others(parameter))
        yield from ({parameter.name: others(parameter)[0], clip.name: 0.0} for clip in clips if clip is not parameter)


def _beside_soft_targets(setting: Setting, t: Any, p: Any) -> Iterator[tuple[Any, Any]]:
    """The batch, and where all its targets are 0 or 1 also with others between: kernels may take the two apart."""
    if len(t):
        yield t, p
        if is_separable(setting) and setting.record.target.contains(0.5) and np.isin(t, (0.0, 1.0)).all():
            t, p = (np.stack([x, np.full_like(x, 0.5)], axis=1).reshape(-1, x.shape[-1]) for x in (t, p))
            yield t, p


_NEAR_0 = 2.0**-7
# Each takes a kernel of its own.
_USES = (("sum", False), ("none", False), ("none", True))


def others(parameter: Parameter) -> list[float]:
    """Values that the parameter may have too: one far from the default, next to 0, and ends: 0 or 1, -inf."""
    allowed = parameter.allowed
    known = [v for v in (0.25, 2.0, -1.0, 0.0, 1.0, _NEAR_0, -np.inf) if allowed is None or allowed.contains(v)]
    found = [v for v in known if v != parameter.default]
    return [found[0], *(v for v in found[1:] if v in (0.0 if 0.0 in known else 1.0, _NEAR_0, -np.inf))]


def _finite(original: Loss, t: Any, p: Any) -> tuple[Any, Any]:
    """The data points whose value and slopes are finite."""
    values, slopes = in_words(with_reduction(original, "none"), t, p)
    kept = np.isfinite(values) & np.isfinite(slopes).all(-1)
    return t[kept], p[kept]


def _agree(own: Loss, original: Loss, t: Any, p: Any, options: dict[str, Any]) -> None:
    fused = own.batch(t, p, fusible=True, **options).fused
    assert fused is not None
    found, alone = in_kernel(own, t, p, **options), fused.reduced(own.reduction, gradient=False)
    wanted = in_words(original, t, p, **options)
    assert found is not None
    assert alone is not None
    (later,) = fused.gradients(np.ones(len(t), "float32"))
    for got, expected in zip((*found, alone[0], later), (*wanted, *wanted), strict=True):
        size = np.max(np.abs(expected), axis=-1, keepdims=True)  # That of each row, where there are slopes.
        assert (np.abs(got - expected) <= 16 * accuracy.EPSILON * size).all(), (got, expected)


LAWS = (
    totals_weights_and_masks,
    values_alone,
    nothing_leaks_from_under_a_mask,
    faults_are_seen,
    parameters_reach_the_kernel,
    error_budget,
)


def battery(loss: Loss, setting: Setting) -> None:
    """Everything that must fail for a kernel that is broken."""
    for law in LAWS:
        law(loss, setting)
