"""Accuracy in float32 of losses with several inputs: value and slopes against references in high precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import lossary
import oracle_arguments
from lossary.backends import by_name
from lossary.objects.define import function

EPSILON = 2.0**-23
TINY, LARGEST = 1e-36, float(np.finfo(np.float32).max)
ROWS, WIDTH = 6, 4
Draw = Callable[[np.random.Generator, float], list[Any]]


def _real(count: int) -> Draw:
    return lambda rng, scale: [rng.normal(size=(ROWS, WIDTH)) * scale for _ in range(count)]


def _gaussian(rng: np.random.Generator, scale: float) -> list[Any]:
    y, mean = _real(2)(rng, scale)
    # Errors of a hundredth of the deviation up to a hundred of them, and of exactly about one.
    z = 10.0 ** rng.uniform(-2, 2, (ROWS, WIDTH))
    z[0] = 1.0 + rng.integers(-4, 5, WIDTH) * EPSILON
    return [y, mean, np.minimum(((mean - y) / z) ** 2, LARGEST / 2)]


def _crps(rng: np.random.Generator, scale: float) -> list[Any]:
    members = rng.normal(size=(ROWS, WIDTH)) * scale
    members[0] = 1e6 * scale + np.arange(WIDTH) * scale  # A sharp ensemble far away,
    members[1, 1:] = members[1, 0]  # one whose members agree,
    members[2] = scale * (1.0 + np.arange(WIDTH) * EPSILON)  # and neighbours in float32.
    return [rng.normal(size=(ROWS, 1)) * scale, members]


def _boxes(rng: np.random.Generator, scale: float) -> list[Any]:
    x, y = (np.sort(rng.normal(size=(2, 2, ROWS, WIDTH)), axis=1) * scale for _ in range(2))
    sides = [x[0, 0], y[0, 0], x[0, 1], y[0, 1], x[1, 0], y[1, 0], x[1, 1], y[1, 1]]
    for side in range(4):
        sides[4 + side][0] = sides[side][0] * (1.0 + rng.integers(1, 9, WIDTH) * EPSILON)  # Nearly the true box,
        sides[4 + side][1] += 1e6 * scale  # far away,
    sides[6][2] = sides[4][2] - scale  # and with its corners in each other's place.
    return sides


def _triplet(rng: np.random.Generator, scale: float) -> list[Any]:
    anchor, positive, negative = _real(3)(rng, scale)
    positive[0] = anchor[0] * (1.0 + rng.integers(-3, 4, WIDTH) * EPSILON)
    negative[1] = anchor[1]
    positive[2] = anchor[2]
    return [anchor, positive, negative]


def _apart(rng: np.random.Generator, scale: float) -> list[Any]:
    # Of equal distances it is a rule which one counts.
    return _real(3)(rng, scale)


def _bits(rng: np.random.Generator) -> Any:
    t = rng.integers(0, 2, (ROWS, WIDTH)).astype(float)
    t[0], t[1] = 0.0, 1.0
    t[2] = [1.0, 0.0, 0.0, 0.0]
    return t


def _probabilities(rng: np.random.Generator, scale: float) -> list[Any]:
    t = _bits(rng)
    p = np.minimum(rng.random((ROWS, WIDTH)) * min(scale, 1.0), 1.0)
    p[2:4] = np.abs(t[2:4] - np.minimum(1e-3 * scale, 1e-3) * rng.random((2, WIDTH)))  # Nearly the truth,
    p[0, 0] = 0.9  # and an empty region that is found.
    p[4] = 1.0 - t[4]  # Nothing is right.
    return [t, p]


def _logits(rng: np.random.Generator, scale: float) -> list[Any]:
    return [_bits(rng), np.clip(rng.normal(size=(ROWS, WIDTH)) * scale, -80.0, 80.0)]


def _lists(rng: np.random.Generator, scale: float) -> list[Any]:
    t = rng.integers(0, 3, (ROWS, WIDTH)).astype(float)
    p = rng.normal(size=(ROWS, WIDTH)) * min(scale, 1e36)
    t[0], p[1] = 1.0, 2.0  # A list without a pair, and equal scores.
    return [t, p]


# --- what may be lost to the rounding of the inputs alone ----------------------------------------------------------


def _none(rows: Any, place: int | None, **parameters: Any) -> Any:
    return 0


def _terms_gaussian(rows: Any, place: int | None, epsilon: float = 1e-6, **_: Any) -> Any:
    kept = [(y, m, max(v, mp.mpf(epsilon))) for y, m, v in zip(*rows, strict=True)]
    if place is None:
        return sum(abs(mp.log(v)) + (y - m) ** 2 / v for y, m, v in kept) / len(kept)
    # A variance pulls up and a square down: the slope is their difference.
    return max((1 + (y - m) ** 2 / v) / v for y, m, v in kept) / len(kept) if place == 2 else 0


def _terms_crps(rows: Any, place: int | None, **_: Any) -> Any:
    (y,), members = rows
    return sum(abs(x - y) for x in members) / len(members) if place is None else mp.mpf(1) / len(members)


def _terms_triplet(rows: Any, place: int | None, margin: float = 1.0, norm: float = 2.0, **_: Any) -> Any:
    a, p, n = rows
    lengths = [oracle_arguments._length(x, y, norm) for x, y in ((a, p), (a, n), (p, n))]
    return sum(lengths) + mp.mpf(margin) if place is None else 0


def _terms_dpo(rows: Any, place: int | None, beta: float = 0.1, label_smoothing: float = 0.0) -> Any:
    # The exponent is off by what the sums of log-probabilities are rounded by.
    size = 1 + mp.mpf(beta) * max(abs(x - r) for x, r in zip([*rows[0], *rows[1]], [*rows[2], *rows[3]], strict=True))
    parameters = {"beta": beta, "label_smoothing": label_smoothing}
    steep = max(map(abs, oracle_arguments.slopes("dpo", rows, 0, **parameters)))
    smooth = mp.mpf(label_smoothing) * mp.mpf(beta)
    return (steep + smooth) * size / (mp.mpf(beta) if place is None else 1)


def _terms_lists(rows: Any, place: int | None, temperature: float = 1.0) -> Any:
    size = 1 + 2 * max(map(abs, rows[1])) / mp.mpf(temperature)
    steep = max(map(abs, oracle_arguments.slopes("pairwise_logistic", rows, 1, temperature=temperature)))
    return steep * size * (mp.mpf(temperature) if place is None else 1)


@dataclass(frozen=True)
class Hurt:
    """A loss, the inputs that are chosen to hurt it, and the size of what it must subtract."""

    name: str
    draw: Draw
    terms: Callable[..., Any] = _none
    parameters: dict[str, Any] = field(default_factory=dict)
    scales: tuple[float, ...] = (1.0, 1e15, 1e-15)

    def __str__(self) -> str:
        return "-".join([self.name, *self.parameters])


HURT = [
    Hurt("gaussian_nll", _gaussian, _terms_gaussian, {"epsilon": 0.0}, (1.0, 1e15, 1e-12)),
    Hurt("gaussian_nll", _gaussian, _terms_gaussian, {"full": True}, (1.0, 1e-3, 1e-15)),
    Hurt("crps_ensemble", _crps, _terms_crps, {}, (1.0, 1e30, 1e-25)),
    Hurt("crps_ensemble", _crps, _terms_crps, {"fair": True}),
    Hurt("interval_score", _real(3), _none, {}, (1.0, 1e30, 1e-30)),
    Hurt("generalized_iou", _boxes, _none, {}, (1.0, 1e20, 1e-20)),
    Hurt("triplet_margin", _triplet, _terms_triplet, {"margin": 1e30}, (1e30,)),
    Hurt("triplet_margin", _triplet, _terms_triplet, {}, (1.0, 1e-28)),  # XLA takes differences below 1e-38 for 0.
    Hurt("triplet_margin", _triplet, _terms_triplet, {"norm": 1.0}),
    Hurt("triplet_margin", _apart, _terms_triplet, {"norm": 3.5, "swap": True}),
    Hurt("dpo", _real(4), _terms_dpo, {}, (1.0, 100.0, 1e-10)),
    Hurt("dpo", _real(4), _terms_dpo, {"label_smoothing": 0.2, "beta": 1.0}, (1.0, 20.0)),
    Hurt("dice", _probabilities, _none, {}, (1.0, 1e-4, 1e-10)),
    Hurt("dice", _probabilities, _none, {"squared": True}, (1.0, 1e-4, 1e-10)),
    Hurt("dice", _logits, _none, {"from_logits": True}, (1.0, 30.0, 200.0)),
    Hurt("dice", _logits, _none, {"from_logits": True, "squared": True}, (1.0, 30.0, 200.0)),
    *(
        Hurt(name, draw, _none, {**switches, "smooth": 1.0}, (1.0,))
        for name, draw, switches in [
            ("dice", _probabilities, {}),
            ("dice", _probabilities, {"squared": True}),
            ("dice", _logits, {"from_logits": True}),
            ("dice", _logits, {"from_logits": True, "squared": True}),
            ("tversky", _probabilities, {}),
            ("tversky", _logits, {"from_logits": True}),
        ]
    ),
    Hurt("tversky", _probabilities, _none, {"alpha": 0.3, "beta": 0.7}, (1.0, 1e-4, 1e-10)),
    Hurt("tversky", _logits, _none, {"from_logits": True}, (1.0, 30.0, 200.0)),
    Hurt("pairwise_logistic", _lists, _terms_lists, {}, (1.0, 30.0, 1e-15, 1e36)),
]
# XLA's and TensorFlow's powers and exponentials are themselves off by some units.
LIMITS = {"numpy": 6.0, "torch": 6.0, "jax": 12.0, "tensorflow": 12.0}


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


def errors(hurt: Hurt, backend: str, loss: Any = None) -> Iterator[tuple[float, str]]:
    """The error of every answer in units in the last place, and where it is."""
    record, own = function(hurt.name).record, by_name(backend)
    loss = loss or lossary.get(hurt.name, reduction="none", **hurt.parameters)
    for scale in hurt.scales:
        rng = np.random.default_rng(sum(map(ord, str(hurt))))
        inputs = [np.asarray(x, np.float32) for x in hurt.draw(rng, scale)]
        value, gradient = loss.value_and_grad(*(own.asarray(x) for x in packed(record, inputs)))
        slopes = slopes_by_input(record, gradient)
        for number in range(ROWS):
            rows = [[mp.mpf(float(x)) for x in array[number]] for array in inputs]
            exact = oracle_arguments.value(hurt.name, rows, **hurt.parameters)
            got = [(np.asarray(value)[number], exact, hurt.terms(rows, None, **hurt.parameters), "value")]
            for place, slope in slopes.items():
                wanted = oracle_arguments.slopes(hurt.name, rows, place, **hurt.parameters)
                size = max(hurt.terms(rows, place, **hurt.parameters), *map(abs, wanted))
                got += [(g, w, size, f"slope in {place}") for g, w in zip(slope[number], wanted, strict=True)]
            for mine, right, size, what in got:
                where = f"{what}, scale {scale}, row {number}: {float(mine)!r} for {mp.nstr(right, 9)}"
                yield _ulps(float(mine), right, size), f"{where} {[list(map(float, r)) for r in rows]}"


def _ulps(got: float, exact: Any, size: Any) -> float:
    size = max(abs(exact), size)
    if size > LARGEST / 2 or (exact == 0 and got == 0):
        return 0.0
    if not np.isfinite(got):
        return float("inf")
    return float(abs(mp.mpf(got) - exact) / max(size * EPSILON, mp.mpf(TINY)))


@pytest.mark.parametrize("backend", LIMITS)
@pytest.mark.parametrize("hurt", HURT, ids=str)
def test_value_and_slopes_have_their_digits(hurt: Hurt, backend: str) -> None:
    worst = max(errors(hurt, backend))
    assert worst[0] <= LIMITS[backend], worst
