"""Measured errors of losses with several inputs: value and slopes against references in high precision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np

import lossary
import oracle
from families import entries
from families.hurt import LARGEST, ROWS, TINY, Hurt
from lossary.backends import by_name
from lossary.objects.define import function

HURT: list[Hurt] = entries("HURT")


class Answer(NamedTuple):
    """One number: its error in units in the last place, and what it is."""

    error: float
    part: str
    got: float
    exact: Any
    where: str


def packed(record: Any, inputs: list[Any]) -> list[Any]:
    """The arguments of a call from the arrays that the formula sees."""
    found, rest = [], iter(inputs)
    for argument in record.arguments:
        own = [next(rest) for _ in argument.inputs]
        found.append(np.stack(own, -1) if argument.parts else own[0][:, 0] if own[0].shape[1] == 1 else own[0])
    return found


def slopes_by_input(record: Any, gradient: Any) -> dict[int, Any]:
    """What `value_and_grad` returned, by the place of the input."""
    several = gradient if isinstance(gradient, tuple) else (gradient,)
    arrays = [np.asarray(g, np.float64) for g in several]
    if any(a.parts for a in record.arguments if a.name == "y_pred"):
        arrays = list(np.moveaxis(arrays[0], -1, 0))
    return dict(zip(record.predictions, arrays, strict=True))


def answers(
    hurt: Hurt, backend: str, loss: Any = None, dtype: str = "float32", *, in_words: bool = False
) -> Iterator[Answer]:
    """Every number that a loss gives for the inputs that hurt it, in the library's words or by what is fastest."""
    record, own = function(hurt.name).record, by_name("numpy" if backend == "kernel" else backend)
    regional = {"axis": (-1,)} if record.regions else {}
    loss = loss or lossary.get(hurt.name, reduction="none", **regional, **hurt.parameters)
    for scale in hurt.scales:
        inputs = drawn(hurt, scale)
        arrays = [own.asarray(x.astype(dtype)) for x in packed(record, inputs)]
        value, gradient = loss.lined_up(arrays).value_and_gradient("none") if in_words else loss.value_and_grad(*arrays)
        slopes = slopes_by_input(record, gradient)
        for number, exactly in enumerate(known(hurt, scale)):
            found = {None: np.asarray(value)[number : number + 1], **{place: x[number] for place, x in slopes.items()}}
            for place, (exact, size) in exactly.items():
                what = "value" if place is None else f"slope in {place}"
                where = f"{what}, scale {scale}, row {number} {[array[number].tolist() for array in inputs]}"
                for mine, right in zip(map(float, found[place].flat), exact, strict=True):
                    yield Answer(_ulps(mine, right, size, dtype), what[:5], mine, right, where)


def drawn(hurt: Hurt, scale: float) -> list[Any]:
    """The inputs, the same in every call."""
    rng = np.random.default_rng(sum(map(ord, str(hurt))))
    return [np.asarray(x, np.float32) for x in hurt.draw(rng, scale)]


# Exact answers and the size of what they are made of, for the value (None) and the slopes in every input.
Answers = dict[int | None, tuple[list[Any], Any]]
_known: dict[tuple[int, float], list[Answers]] = {}


def known(hurt: Hurt, scale: float) -> list[Answers]:
    """The exact answers for every row, computed once for all libraries and all faults."""
    key = id(hurt), scale
    if key not in _known:
        inputs = drawn(hurt, scale)
        _known[key] = [_answers(hurt, [oracle.exact(x[number].tolist()) for x in inputs]) for number in range(ROWS)]
    return _known[key]


def _answers(hurt: Hurt, rows: list[Any]) -> Answers:
    record = function(hurt.name).record
    value = oracle.value(hurt.name, *rows, **hurt.parameters)
    found: Answers = {None: ([value], hurt.terms(rows, None, **hurt.parameters))}
    for place in record.predictions:
        wanted = oracle.slopes(hurt.name, rows, place, **hurt.parameters)
        found[place] = wanted, max(hurt.terms(rows, place, **hurt.parameters), *map(abs, wanted))
    return found


def _ulps(got: float, exact: Any, size: Any, dtype: str) -> float:
    size = max(abs(exact), size)
    if size > LARGEST / 2 or (exact == 0 and got == 0):
        return 0.0
    if not np.isfinite(got):
        return float("inf")
    return float(abs(mp.mpf(got) - exact) / max(size * float(np.finfo(dtype).eps), mp.mpf(TINY)))
