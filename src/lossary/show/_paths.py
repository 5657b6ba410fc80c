"""The path through the arguments of a loss of several numbers per target, or of arguments of its own; numbers only.

What is a place on the axis of the targets moves together, the rest is held: the picture is that of one shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..facts.arguments import Argument, Role
from ..facts.axes import ELEMENT
from ..facts.domain import Bits, Domain, Logarithm, LogProbability, NonNegative, Real, Signs, Unit
from ..facts.record import Record
from ..objects.define import Loss

Floats = np.ndarray[Any, np.dtype[np.float64]]
# Even, so that no point falls on a corner in the middle of the range.
POINTS = 800
REACH = 3.0
MEMBERS = 5
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Path:
    """The arguments of a loss along a path; ``directions`` says how each input with a gradient moves with ``x``."""

    label: str
    limits: tuple[float, float]
    x: Floats
    arguments: tuple[Any, ...]
    directions: tuple[Floats, ...]
    mark: float | None


def path(loss: Loss) -> Path:
    """The path that shows a loss best whose arguments are not one target and one prediction per output."""
    record = loss.record
    if record.compared:
        return _cosine()
    if record.depth > 1:
        return _of_matrices(loss)
    if record.has_usual_names:
        around = _around_a_target(loss)
        is_row = around.directions[0].shape[-1] == MEMBERS
        return _one_of_a_row(record) if is_row and _shows_nothing(loss, around) else around
    if any(argument.role is Role.TARGET and argument.axes != ELEMENT for argument in record.arguments):
        return _angle(record)
    if len(record.arguments) == 1:
        return _first_of_a_row(record)
    return _one_of_several(loss)


def _values(loss: Loss, drawn: Path) -> Floats:
    return np.asarray(loss.lined_up(drawn.arguments).values())


def _shows_nothing(loss: Loss, drawn: Path) -> bool:
    """Whether the loss is the same all along the path, but for rounding."""
    values = _values(loss, drawn)
    return bool(np.ptp(values) <= 1e-9 * np.abs(values).max())


def _around_a_target(loss: Loss) -> Path:
    """All predictions that are places move past a target, in the distances at which they lie."""
    record = loss.record
    x = np.linspace(-REACH, REACH, POINTS)
    target, prediction = (
        next(argument for argument in record.arguments if argument.role is role)
        for role in (Role.TARGET, Role.PREDICTION)
    )
    y_true = _spread(target) if target.parts else {target.name: _ordinary(target.domain)}
    moves = {each.name: type(each.domain) is Real for each in prediction.inputs}
    if prediction.parts and target.axes != ELEMENT:
        moves = {name: does and _matters(loss, prediction, name) for name, does in moves.items()}
    held = _spread(prediction, moves) if prediction.parts else {}
    if not any(moves.values()):
        moves[prediction.inputs[0].name] = isinstance(prediction.inputs[0].domain, Logarithm)
    if not any(moves.values()):
        return _first_part(prediction, y_true[target.name])
    if prediction.parts:
        y_pred: Any = tuple((at + x * moves[name])[:, None] for name, at in held.items())
        directions = tuple(np.full((POINTS, 1), float(moves[name])) for name in held)
    elif target.axes == ELEMENT:
        y_pred, directions = x[:, None], (np.ones((POINTS, 1)),)
    else:
        members = np.linspace(-1.0, 1.0, MEMBERS)
        y_pred, directions = x[:, None] + members, (np.ones((POINTS, MEMBERS)),)
    per_row = target.axes != ELEMENT
    columns = tuple(np.full(POINTS if per_row else (POINTS, 1), at) for at in y_true.values())
    given = [argument for argument in record.arguments if argument.role is Role.GIVEN]
    fixed = [np.full((POINTS, 1) if each.axes == ELEMENT else POINTS, _ordinary(each.domain)) for each in given]
    alone = target.axes == ELEMENT and not prediction.parts
    label = r"error $\hat{y} - y$" if alone else _shift(prediction, held, moves)
    arguments = (columns if target.parts else columns[0], y_pred, *fixed)
    return Path(label, (-REACH, REACH), x, arguments, directions, 0.0)


def _cosine() -> Path:
    """What a formula sees of a point that has a relative and a stranger: the relative comes near."""
    x = np.linspace(-1.0, 1.0, POINTS)
    ones = np.ones(POINTS)
    arguments = np.stack([ones, 0.0 * ones], -1), np.stack([x, 0.0 * ones], -1)
    label = "cosine of a relative, where that of a stranger is 0"
    return Path(label, (-1.0, 1.0), x, arguments, (np.stack([ones, 0.0 * ones], -1),), None)


def _of_matrices(loss: Loss) -> Path:
    """Two rows of two: what is right of each grows, scores alone and shares at the expense of the rest."""
    own, prediction = np.eye(2), loss.record.prediction
    if isinstance(prediction, Unit) and type(loss.record.prediction_domain(loss.parameters)) is Real:
        x = np.linspace(-6.0, 6.0, POINTS)
        y_true, way, label = np.tile(own, (POINTS, 1, 1)), own, "logit of the right class, of two"
        y_pred = x[:, None, None] * way
    elif isinstance(prediction, Unit):
        x = np.linspace(0.004, 0.996, POINTS)
        y_pred = x[:, None, None] * own + (1.0 - x)[:, None, None] * (1.0 - own)
        y_true, way, label = np.tile(own, (POINTS, 1, 1)), 2.0 * own - 1.0, "share of the right class, of two"
    else:
        x = np.linspace(-REACH, REACH, POINTS)
        way = np.array([[0.0, 1.0], [0.0, 1.0]])  # Of the blank and of the only label, in both steps.
        y_true, y_pred, label = np.ones((POINTS, 1)), x[:, None, None] * way, "score of the only label in both steps"
    ways = np.tile(way, (POINTS, 1, 1)).reshape(POINTS, -1)
    return Path(label, (float(np.floor(x[0])), float(np.ceil(x[-1]))), x, (y_true, y_pred), (ways,), None)


def _ordinary(domain: Domain) -> float:
    """A target in the middle of its set."""
    return 1.0 if isinstance(domain, NonNegative) else 0.5 if isinstance(domain, Unit) else 0.0


def _first_part(prediction: Argument, target: float) -> Path:
    """The first part moves where no part is a place on the axis of the targets."""
    x = np.linspace(0.02, 4.0, POINTS)
    first, *others = prediction.parts
    ones = np.ones((POINTS, 1))
    fixed = "".join(f", {name} = 1" for name in others)
    y_pred = (x[:, None], *[ones] * len(others))
    directions = (ones, *[0.0 * ones] * len(others))
    label = f"{first}, where the target is {target:g}{fixed}"
    return Path(label, (0.0, 4.0), x, (target * ones, y_pred), directions, None)


def _shift(prediction: Argument, held: dict[str, float], moves: dict[str, bool]) -> str:
    """What moves past the target, and what is held."""
    if not prediction.parts:
        return f"shift of {MEMBERS} outputs from {MINUS}1 to 1 past the target"
    parts = dict(zip(prediction.inputs, prediction.parts, strict=True))
    places = [(parts[each], held[each.name]) for each in parts if moves[each.name]]
    fixed = "".join(f", {parts[each]} = {held[each.name]:g}" for each in parts if not moves[each.name])
    if len(places) == 1:
        return f"shift of {places[0][0]} from the target{fixed}"
    at = ", ".join(f"{at:g}".replace("-", MINUS) for _, at in places)
    return f"shift of ({', '.join(name for name, _ in places)}) = ({at}) past the target{fixed}"


def _matters(loss: Loss, prediction: Argument, name: str) -> bool:
    """Whether the loss of a single row depends on this part of its prediction."""
    parts = np.ones((2, 1, len(prediction.parts)))
    parts[1, 0, [each.name for each in prediction.inputs].index(name)] = 2.0
    first, second = loss.batch(np.zeros(2), tuple(np.moveaxis(parts, -1, 0))).values()
    return bool(first != second)


def _spread(argument: Argument, places_are: dict[str, bool] | None = None) -> dict[str, float]:
    """A sensible number for every part: places lie evenly around 0, corners half a side from it; amounts are 1."""
    are = places_are or {each.name: type(each.domain) is Real for each in argument.inputs}
    places = [name for name, is_place in are.items() if is_place]
    names = dict(zip(argument.parts, (each.name for each in argument.inputs), strict=True))
    found = {each.name: 0.0 if isinstance(each.domain, Real) else 1.0 for each in argument.inputs}
    found |= dict(zip(places, np.linspace(-1.0, 1.0, len(places)) if len(places) != 1 else [0.0], strict=True))
    for name, own in names.items():
        if name[:-1] in ("x", "y"):
            found[own] = -0.5 if name.endswith("1") else 0.5
    return found


def _angle(record: Record) -> Path:
    """The first of two vectors turns around, past the second."""
    x = np.linspace(-np.pi, np.pi, POINTS)
    turning, fixed = np.stack([np.cos(x), np.sin(x)], -1), np.tile([1.0, 0.0], (POINTS, 1))
    predicted = [argument.name for argument in record.arguments if argument.role is Role.PREDICTION]
    arrays = {name: turning if name == predicted[0] else fixed for name in predicted}
    arrays |= {name: np.ones(POINTS) for name in record.names if name not in predicted}
    way = np.stack([-np.sin(x), np.cos(x)], -1)
    directions = tuple(way if name == predicted[0] else 0.0 * way for name in predicted)
    label = f"angle between {' and '.join(predicted)} in radians, where the target is 1"
    return Path(label, (-3.2, 3.2), x, tuple(arrays[name] for name in record.names), directions, 0.0)


def _one_of_a_row(record: Record) -> Path:
    """One output of a row moves where nothing changes if all of them do: that of the target."""
    x = np.linspace(-REACH, REACH, POINTS)
    target = _ordinary(record.arguments[0].domain)
    way = np.tile(np.arange(MEMBERS) == target, (POINTS, 1)).astype(float)
    label = f"output {target:g} of {MEMBERS}, the target, where all the others are 0"
    return Path(label, (-REACH, REACH), x, (np.full(POINTS, target), x[:, None] * way), (way,), None)


def _first_of_a_row(record: Record) -> Path:
    """The first of two outputs moves."""
    x = np.linspace(-REACH, REACH, POINTS)
    way = np.tile([1.0, 0.0], (POINTS, 1))
    label = f"{record.arguments[0].name} of the first, where that of another is 0"
    return Path(label, (-REACH, REACH), x, (x[:, None] * way,), (way,), None)


def _one_of_several(loss: Loss) -> Path:
    """The first prediction that the loss depends on moves; what is nearly straight is shown from further away.

    Both are those of the numbers that a loss has without being told, so that others can be compared.
    """
    defaults = loss.record.defaults()
    usual = loss.replaced(**{name: defaults[name] for name in loss.record.symbols(loss.parameters)})
    predicted = [argument.name for argument in loss.record.arguments if argument.role is Role.PREDICTION]
    settings = [(name, given) for given in (0.0, 1.0) for name in predicted]
    paths = [_of_one(loss, *setting) for setting in settings]
    name, given = next(
        (s for s, drawn in zip(settings, paths, strict=True) if not _shows_nothing(usual, drawn)), settings[0]
    )
    near, far = _of_one(loss, name, given), _of_one(loss, name, given, reach=10.0 * REACH)
    return far if _is_straight(usual, near) and not _is_straight(usual, far) else near


def _is_straight(loss: Loss, drawn: Path) -> bool:
    steps = np.abs(np.diff(_values(loss, drawn)))
    return bool(steps.min() > 0.2 * steps.max())


def _of_one(loss: Loss, moving: str, given: float, reach: float = REACH) -> Path:
    """One prediction moves; the others lie around 0, and what is given too, or somewhere in its set."""
    record, predicted, held = loss.record, [], {}
    for place, argument in enumerate(record.arguments):
        domain = record.domain(place, loss.parameters)
        if argument.role is Role.PREDICTION:
            predicted.append(argument.name)
        if argument.name == moving:
            low, high = _reach(domain, reach)
        else:
            held[argument.name] = _at_rest(domain)
    others = [name for name in predicted if name != moving]
    if len(others) > 1:
        held |= dict(zip(others, np.linspace(-1.0, 1.0, len(others)), strict=True))
    last = record.arguments[-1]
    if last.role is Role.GIVEN and type(last.domain) is Real:
        held[last.name] = given
    x = np.linspace(low, high, POINTS)
    arrays = {name: np.full((POINTS, 1), at) for name, at in held.items()} | {moving: x[:, None]}
    directions = tuple(np.full((POINTS, 1), float(name == moving)) for name in predicted)
    fixed = ", ".join(f"{name} = {at:g}".replace("-", MINUS) for name, at in held.items())
    label = f"{moving}, where {fixed if any(held.values()) else 'all the others are 0'}"
    limits = round(low, 1), round(high, 1)
    return Path(label, limits, x, tuple(arrays[name] for name in record.names), directions, None)


def _reach(domain: Domain, reach: float) -> tuple[float, float]:
    """A range inside the set, away from poles at its ends."""
    if isinstance(domain, Unit):
        return 0.004, 0.996
    if isinstance(domain, LogProbability):
        return -4.0, -0.02
    return (0.02, 4.0) if isinstance(domain, NonNegative) else (-reach, reach)


def _at_rest(domain: Domain) -> float:
    """What is held: a class, an amount, or 0."""
    if isinstance(domain, LogProbability):
        return -1.0
    if isinstance(domain, Bits | NonNegative | Signs):
        return 1.0
    return 0.5 if isinstance(domain, Unit) else 0.0
