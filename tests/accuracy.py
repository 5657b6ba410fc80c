"""Measured accuracy of value and slope in float32 against 60-digit references, on inputs chosen to hurt.

Five kinds of input per loss: ordinary, large, tiny, saturated, and predictions close to (soft) targets.  An error is
counted in units in the last place (ULP) of the exact answer.  Where an answer is a difference of nearly equal terms,
the rounding of the inputs alone moves it by more than that; such terms are added to the unit (`unit`), which leaves
every other answer as strict.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

import families
import lossary
import oracle
from lossary import domains
from lossary.backends import by_name
from lossary.facts.record import Record
from lossary.objects.define import records

TINY = float(np.finfo(np.float32).tiny)
LARGEST = float(np.finfo(np.float32).max)
EPSILON = 2.0**-23
# Terms of a sum that are subnormal are 0 in XLA and TensorFlow: that much of the smallest answers is lost.
FLUSHED = 2.0**-128
KINDS = ("ordinary", "large", "tiny", "saturated", "close")
TERMS, MORE, SOFT = families.table("TERMS"), families.table("SETTINGS"), families.entries("SOFT")
Evaluate = Callable[[Record, dict[str, Any], Any, Any], tuple[Any, Any]]


@dataclass
class Account:
    """What was seen for one loss, one kind of input, one quantity.

    Exact answers below 1e-36 are left out: XLA and TensorFlow take subnormal numbers, intermediate ones too, for 0.
    """

    count: int = 0
    worst: float = 0.0
    where: str = ""
    nonfinite: int = 0
    dead: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, got: float, exact: Any, unit: Callable[[], Any], place: str, least: Any) -> None:
        """Counts one number; answers that float32 cannot hold are left out.

        A unit is no less than ``least``, which mostly shows already that the error is not the worst.
        """
        size = abs(float(exact)) if abs(exact) < LARGEST else float("inf")
        if size > LARGEST / 2 or 0 < size < TINY * 100:
            return
        self.count += 1
        if not np.isfinite(got):
            self.nonfinite += 1
            self.examples.append(f"{place}: {got} for {float(exact):g}")
        elif got == 0 and size > 0 and float(unit()) < size:
            self.dead += 1
            self.examples.append(f"{place}: 0 for {float(exact):g}")
        else:
            off = abs(oracle.mp.mpf(float(got)) - exact)
            if off > self.worst * least and (error := float(off / unit())) > self.worst:
                self.worst, self.where = error, f"{place}: {got!r} for {float(exact)!r}"


def variants(record: Record) -> list[dict[str, Any]]:
    """The parameter settings whose accuracy differs: clipped, unclipped, from logits, and what the family adds."""
    logits = [{"from_logits": True}] if "from_logits" in record.defaults() else []
    return [{}, *logits, *MORE.get(record.name, ())]


def inputs(record: Record, parameters: dict[str, Any], kind: str) -> list[tuple[Any, Any]]:
    """Batches of one kind, one per row length, as float32 (or integer labels)."""
    rng = np.random.default_rng(sum(map(ord, record.name + kind)))
    batches = []
    for width in (1, 2, 3, 8):
        rows = [_row(record, parameters, kind, rng, width) for _ in range(25)]
        y_true = np.stack([t for t, _ in rows]).astype(np.int64 if record.labels_are_integers else np.float32)
        batches.append((y_true, np.stack([p for _, p in rows]).astype(np.float32)))
    return batches


def _row(record: Record, parameters: dict[str, Any], kind: str, rng: np.random.Generator, width: int) -> Any:
    if kind == "close":
        return _close(record, parameters, rng, width)
    prediction = record.prediction_domain(parameters)
    target = record.target.sample(rng, (width,))
    if record.labels_are_integers:
        target = rng.integers(0, width)
    if record.target.name == "Real" and kind != "ordinary":
        target = target * _scale(kind, rng)
    if record.target.name == "Positive" and kind in ("large", "tiny"):
        target = target * _scale(kind, rng)
    if record.target.name in ("NonNegative", "Counts") and kind != "ordinary":
        target = np.round(target * 10.0 ** rng.uniform(0, 5)) if kind == "large" else target * (rng.random(width) < 0.7)
    if prediction.name in ("Probabilities", "Unit"):
        return target, _probabilities(prediction.name, kind, rng, width)
    if prediction.low >= 0.0 or (prediction.name == "Clipped" and rng.random() < 0.7):
        return target, np.abs(rng.normal(size=width)) * _scale(kind, rng)
    if record.family == "deviances" and parameters.get("from_logs") and kind in ("large", "saturated"):
        # Within what twice their exponentials, and amounts times these, leave in float32.
        return np.sqrt(target), 0.4 * _real(record, target, "saturated", rng, width)
    moved = _real(record, target, kind, rng, width)
    return target, -abs(moved) if prediction.name == "LogProbabilities" else moved


def _close(record: Record, parameters: dict[str, Any], rng: np.random.Generator, width: int) -> Any:
    """A prediction that is off by a few units in the last place, or by up to a tenth: a student beside its teacher."""
    prediction, off = record.prediction_domain(parameters), rng.normal(size=width) * 10.0 ** rng.uniform(-8, -1)
    if record.labels_are_integers:
        label = rng.integers(0, width)
        right = np.where(np.arange(width) == label, 1.0, 0.0)
        if prediction.name == "Probabilities":
            return label, right * (1 - abs(off))
        scores = 20.0 * right * (1 + off)
        return label, scores - scores.max() if prediction.name == "LogProbabilities" else scores
    if parameters.get("from_logits") or record.name in SOFT:
        soft = domains.Unit() if record.target.name == "Bits" else domains.Probabilities()
        target = soft.sample(rng, (width,))
    else:
        target = record.target.sample(rng, (width,))
    target = target.astype(np.float32).astype(np.float64)
    if parameters.get("from_logits"):
        scores = np.log(target) - (np.log1p(-target) if record.target.name == "Bits" else 0.0)
        return target, scores * (1 + off)
    moved = target * (1 + off)
    if record.name == "cosine_similarity":
        moved = moved * _scale("saturated", rng)
    return target, np.clip(moved, prediction.low, prediction.high)


def _scale(kind: str, rng: np.random.Generator) -> float:
    low, high = {"ordinary": (-1, 1), "large": (2, 37), "tiny": (-29, -2), "saturated": (0, 2)}[kind]
    return float(10.0 ** rng.uniform(low, high))


def _real(record: Record, target: Any, kind: str, rng: np.random.Generator, width: int) -> Any:
    """Differences, margins or scores of the given kind."""
    moved = rng.normal(size=width) * _scale(kind, rng)
    if kind == "tiny" and record.target.name == "Real":
        # A tiny difference of ordinary numbers: neighbours in float32.
        return np.where(rng.random(width) < 0.5, target * (1 + rng.integers(-3, 4, width) * EPSILON), moved)
    if kind == "saturated":
        return rng.permutation(np.linspace(-1.0, 1.0, width)) * rng.uniform(5, 100)
    return moved


def _probabilities(name: str, kind: str, rng: np.random.Generator, width: int) -> Any:
    if kind == "ordinary":
        weights = rng.gamma(1.5, size=width) + 0.02
    elif kind == "large":
        weights = rng.random(width) * 10.0 ** rng.uniform(-3, 0, width)
    elif kind == "tiny":
        weights = 10.0 ** rng.uniform(-30, 0, width)
    else:
        weights = np.where(rng.random(width) < 0.5, 0.0, 10.0 ** rng.uniform(-9, 0, width)) + 1e-30
    if name == "Unit":
        p = np.minimum(weights, 1.0)
        return np.where(rng.random(width) < 0.5, p, 1.0 - p)
    return weights / weights.sum()


def label(record: Record, parameters: dict[str, Any]) -> str:
    """What a setting is called in tables."""
    shown = {"from_logits": "logits"}
    return record.name + "".join(f" ({shown.get(name) or f'{name}={x}'})" for name, x in parameters.items())


def last_place(exact: Any) -> Any:
    """One unit in the last place of the answer; of what has none, infinity or 0, that itself."""
    mp = oracle.mp
    return max(mp.ldexp(1, mp.frexp(exact)[1] - 24) if mp.isnormal(exact) else abs(exact), FLUSHED)


def unit(record: Record, t: Any, p: Any, parameters: dict[str, Any], exact: Any, index: int | None) -> Any:
    """One unit in the last place of the answer, and of the terms whose difference it is."""
    return max(last_place(exact), oracle.mp.mpf(EPSILON) * _cancelling(record, t, p, parameters, index))


def _cancelling(record: Record, t: Any, p: Any, parameters: dict[str, Any], index: int | None) -> Any:
    """The size of the terms that a definition subtracts from each other, where their difference may vanish."""
    terms = TERMS.get(record.name)
    return 0 if terms is None else terms(oracle.exact(np.atleast_1d(t)), oracle.exact(p), index, **parameters)


Setting = tuple[Record, dict[str, Any]]


def settings() -> list[Setting]:
    """Every built-in loss in every variant."""
    known = [record for record in records() if record.builtin and record.is_pair]
    return [(record, parameters) for record in known for parameters in variants(record)]


def measure(
    evaluate: Evaluate, chosen: Sequence[Setting] | None = None, *, widths: slice = slice(None), most: int | None = None
) -> dict[tuple[str, str, str], Account]:
    """(loss, kind, ``value`` or ``slope``) -> account; of some widths and at most so many rows of each, if asked."""
    accounts: dict[tuple[str, str, str], Account] = {}
    for record, parameters in settings() if chosen is None else chosen:
        for kind in KINDS:
            pair = [
                accounts.setdefault((label(record, parameters), kind, part), Account()) for part in ("value", "slope")
            ]
            for y_true, y_pred in inputs(record, parameters, kind)[widths]:
                values, slopes = evaluate(record, parameters, y_true, y_pred)
                for row in list(zip(y_true, y_pred, values, slopes, strict=True))[:most]:
                    _count(record, parameters, row, pair)
    return accounts


def _count(record: Record, parameters: dict[str, Any], row: tuple[Any, ...], pair: list[Account]) -> None:
    t, p, value, slope = row
    place = f"t={t.tolist()} p={p.tolist()}"
    found = partial(unit, record, t, p, parameters)
    exact = oracle.value(record.name, t, p, **parameters)
    pair[0].add(float(value), exact, partial(found, exact, None), place, last_place(exact))
    for index, wanted in enumerate(oracle.slope(record.name, t, p, **parameters)):
        unit_of = partial(found, wanted, index)
        pair[1].add(float(slope[index]), wanted, unit_of, f"{place} [{index}]", last_place(wanted))


def on_backend(name: str, *, in_words: bool = True) -> Evaluate:
    """Values and slopes of the rows of a batch on a framework's arrays.

    They are computed in the framework's own words, or by whatever the library finds fastest.
    """

    def evaluate(record: Record, parameters: dict[str, Any], y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        own = by_name(name)
        loss = lossary.get(record.name, reduction="none", **parameters)
        arrays = own.asarray(y_true), own.asarray(y_pred)
        found = loss.batch(*arrays).value_and_gradient("none") if in_words else loss.value_and_grad(*arrays)
        return np.asarray(found[0]), np.asarray(found[1])

    return evaluate


if __name__ == "__main__":
    for key, account in measure(on_backend(sys.argv[1] if len(sys.argv) > 1 else "numpy")).items():
        counts = f"n={account.count:5} ulp={account.worst:10.3g} bad={account.nonfinite} dead={account.dead}"
        print(f"{' / '.join(key):60} {counts}")
        if account.worst > 6:
            print("      ", account.where[:200])
        for example in account.examples[:2]:
            print("      ", example[:200])
