"""A loss of scores ``hidden @ weight.T + bias`` that are never held at once: its arguments, lined up and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import backends, texts
from ..backends import FLOATS, HALF, Array, Backend
from ..facts.domain import Real
from ..facts.layout import Layout
from ..facts.record import Record
from ..looks import values
from . import live, weighting
from .align import Points, leading
from .evaluate import LOOKING, check_weights
from .plan import Setting
from .reduce import MEANS, check_points, factors
from .rows import Shape

if TYPE_CHECKING:
    from ..looks.modes import Mode


class Arguments(NamedTuple):
    """What a call is given."""

    y_true: Any
    hidden: Any
    weight: Any
    bias: Any = None
    sample_weight: Any = None
    where: Any = None


class Settings(NamedTuple):
    """How a call is made: ``record`` bears the name that messages have, ``row`` is the loss of one token's scores.

    ``spread`` says how the work lies on several processes, and on which; the route puts what does it in its place.
    """

    record: Record
    parameters: Mapping[str, Any]
    row: Setting
    reduction: str
    shift: int
    chunk: int | None
    check: Mode | None
    spread: Any = None


@dataclass(slots=True)
class Head:
    """The arrays of one call: tokens along the first axis, ready to be taken in chunks.

    Labels are whole numbers ``(tokens,)`` or rows of targets ``(tokens, classes)``.  ``factor`` is what each token's
    loss is multiplied by in the result, one number if it is the same for all; ``live`` are the tokens that count, all
    others have the factor 0.  ``points`` is the shape of the tokens as the caller has them.
    """

    settings: Settings
    backend: Backend
    labels: Array
    hidden: Array
    weight: Array
    bias: Array | None
    factor: Array | float
    live: Array | None
    points: Shape
    dtype: str
    computing: str

    @property
    def tokens(self) -> Any:
        """How many there are."""
        return self.hidden.shape[0]

    @property
    def arrays(self) -> tuple[Array, ...]:
        """What is trained: hidden, weight and, if there is one, the bias."""
        return (self.hidden, self.weight) if self.bias is None else (self.hidden, self.weight, self.bias)

    def chunk(self, times: int = 1) -> int:
        """How many tokens have their scores in memory at a time."""
        vocabulary, features = _vocabulary(self.settings, self.backend, self.weight), self.weight.shape[1]
        chosen = self.settings.chunk or chunk_size(features, vocabulary) * times
        return max(1, min(chosen, int(self.tokens)))

    def factors(self) -> Array:
        """The factor of each token."""
        ones = self.backend.ones_like(self.hidden[:, 0])
        return self.backend.cast(ones, self.computing) * self.factor

    def answer(self, value: Array) -> Array:
        """The reduced loss, never in half precision; or one value per token, in the shape of the tokens."""
        if self.settings.reduction == "none":
            return self.backend.cast(value.reshape(self.points), self.dtype)
        return value


# Scores of one chunk, about 32 MiB in float32: few enough to be forgotten beside the weight of a large vocabulary.
_SCORES = 2**23


def chunk_size(features: int, vocabulary: int) -> int:
    """How many tokens to take at a time.

    Every chunk adds its part to the gradient of the weight, a pass over memory that only many tokens make worth while:
    where the vocabulary is very large, so many that their scores take a quarter of that gradient.
    """
    tokens = max(_SCORES // max(vocabulary, 1), min(features // 4, 512), 16)
    return tokens - tokens % 64 if tokens > 64 else tokens


def prepare(settings: Settings, given: Arguments) -> Head:
    """Lines up the arguments of a call and checks them."""
    record = settings.record
    backend = library(record.name, given)
    trained = _trained(backend, record.name, given)
    y_true = backends.array(backend, record.name, "y_true", given.y_true, trained["hidden"])
    labels = _labels(settings, backend, y_true, trained)
    dtype, computing, trained = _in_floats(backend, trained)
    hidden, weight, bias = trained["hidden"], trained["weight"], trained.get("bias")
    points = _points(settings, backend, labels, hidden, weight, given, computing)
    if settings.check in LOOKING:
        _look(settings, backend, points, trained)
    hidden, arrays = _shifted(settings, backend, hidden, points)
    if settings.spread is None:
        check_points(record.name, backend, hidden, settings.reduction, "hidden")
    shape = backend.shape(hidden)
    flat = backend.flat(hidden, rows=True)
    labels, weights, mask, alive = (
        None if x is None else backend.flat(x, rows=len(backend.shape(x)) == len(shape)) for x in arrays
    )
    labels = live.as_labels(backend, labels)[:, 0] if record.labels_are_integers else backend.cast(labels, computing)
    like = backend.cast(flat[:, 0], computing)
    factor = _factor(settings, backend, like, weights, mask)
    return Head(settings, backend, labels, flat, weight, bias, factor, alive, shape[:-1], dtype, computing)


def _factor(
    settings: Settings, backend: Backend, like: Array, weights: Array | None, mask: Array | None
) -> Array | float:
    """What each token's loss is multiplied by; a mean over several processes is divided by what all of them count."""
    name, reduction = settings.record.name, settings.reduction
    if settings.spread is None or reduction not in MEANS:
        return factors(name, backend, like, weights, mask, reduction)
    ones = backend.ones_like(like)
    each = ones * factors(name, backend, like, weights, mask, "sum")
    counted = each if reduction == "mean_with_sample_weight" else ones * factors(name, backend, like, None, mask, "sum")
    total = settings.spread.denominator(backend.total(counted))
    return each / backend.where(backend.equal(total, 0.0), backend.ones_like(total), total)


def alone(settings: Settings, library: str) -> Settings:
    """The settings, for a library whose processes do not know each other."""
    if settings.spread is not None:
        raise texts.linear_spread_library(settings.record.name, settings.spread[0], library)
    return settings


def library(loss: str, given: Arguments) -> Backend:
    """The one library of all arrays."""
    return backends.find(loss, given._asdict())


def _trained(backend: Backend, name: str, given: Arguments) -> dict[str, Array]:
    """Hidden, weight and bias as arrays that belong together."""
    own = next((x for x in (given.hidden, given.weight, given.y_true) if backend.owns(x)), None)
    found: dict[str, Array] = {}
    for argument, value in (("hidden", given.hidden), ("weight", given.weight), ("bias", given.bias)):
        if argument != "bias" or value is not None:
            found[argument] = backends.array(backend, name, argument, value, own)
    shapes = {argument: tuple(backend.shape(x)) for argument, x in found.items()}
    hidden, weight, bias = shapes["hidden"], shapes["weight"], shapes.get("bias")
    if len(hidden) < 2 or len(weight) != 2 or hidden[-1] != weight[1] or bias not in (None, weight[:1]):
        raise texts.linear_shapes(name, shapes)
    return found


def _labels(settings: Settings, backend: Backend, y_true: Array, trained: Mapping[str, Array]) -> Array:
    """The targets with a last axis: of length one for whole numbers."""
    record, shape = settings.record, tuple(backend.shape(y_true))
    tokens, vocabulary = tuple(backend.shape(trained["hidden"])[:-1]), _vocabulary(settings, backend, trained["weight"])
    if record.labels_are_integers:
        if shape not in (tokens, (*tokens, 1)):
            raise texts.linear_labels(record.name, shape, tokens, vocabulary)
        return y_true if shape == (*tokens, 1) else backend.expand_last(y_true)
    if shape != (*tokens, vocabulary):
        raise texts.linear_rows(record.name, shape, (*tokens, vocabulary))
    return y_true


def _vocabulary(settings: Settings, backend: Backend, weight: Array) -> int:
    """How many classes there are: as many as rows of the weight, on all processes that share it."""
    rows = int(backend.shape(weight)[0] or 0)
    return rows if settings.spread is None else int(settings.spread.vocabulary(rows))


def _in_floats(backend: Backend, trained: dict[str, Array]) -> tuple[str, str, dict[str, Array]]:
    """The dtype of the result, that to compute in, and the arrays in one dtype, which may be a half one."""
    dtypes = [backend.dtype(x) for x in trained.values()]
    dtype = next((each for each in dtypes if each in FLOATS), backend.default_float())
    wide = "float64" if "float64" in (dtype, *dtypes) else "float32"
    if dtype in HALF and set(dtypes) == {dtype}:
        return dtype, wide, trained
    return dtype, wide, {name: _cast(backend, x, wide) for name, x in trained.items()}


def _cast(backend: Backend, x: Array, dtype: str) -> Array:
    return x if backend.dtype(x) == dtype else backend.cast(x, dtype)


def _points(
    settings: Settings, backend: Backend, labels: Array, hidden: Array, weight: Array, given: Arguments, computing: str
) -> Points:
    """The targets with weights and mask per token: those that are given, and those that follow from the targets."""
    record, parameters, tokens = settings.record, settings.parameters, backend.shape(hidden)[:-1]
    ones = backend.cast(backend.ones_like(hidden[..., 0]), computing)
    weights = leading(backend, record.name, "sample_weight", given.sample_weight, tokens, hidden)
    mask = leading(backend, record.name, "where", given.where, tokens, hidden)
    scores = backend.moveaxis(weight[:, :1], 0, 1)  # Like them along the last axis, which is all that matters.
    if settings.spread is not None:
        scores = scores[:, :1].expand(-1, _vocabulary(settings, backend, weight))
    points = Points(
        (labels, scores),
        None if weights is None else ones * backend.cast(weights, computing),
        None if mask is None else backend.logical_and(mask, backend.equal(ones, 1.0)),
    )
    if parameters.get("ignore_class") is not None:
        points = live.without_ignored(backend, points, parameters["ignore_class"])
    if parameters.get("class_weight") is not None:
        points = weighting.by_row(backend, record, parameters["class_weight"], points, computing)
    if points.weights is not None and points.mask is not None:
        points = replace(points, weights=backend.where(points.mask, points.weights, ones * 0.0))
    points.live = live.live_points(backend, points.weights, points.mask)
    return points


def _look(settings: Settings, backend: Backend, points: Points, trained: Mapping[str, Array]) -> None:
    """Raises at the first value outside its set, as far as values can be looked at."""
    record, wait = settings.record, settings.check == "full"
    alive = None if points.live is None else backend.host(points.live, wait=wait)
    if points.live is not None and alive is None:
        return
    for name, x in {"y_true": points.inputs[0], **trained}.items():
        host = backend.host(x, wait=wait)
        if host is None or not host.size:
            continue
        if alive is not None and name in ("y_true", "hidden"):
            host = np.where(alive[..., None], host, host.dtype.type(0) if name == "hidden" else _member(record, host))
        if name == "y_true":
            layout = Layout((-1,), (None,), len(host.shape), {"y_true": len(host.shape) - record.labels_are_integers})
            vocabulary = _vocabulary(settings, backend, trained["weight"])
            values.values(record, settings.parameters, (host, None), vocabulary, layout)
        elif (index := Real().fault(host)) is not None:
            raise texts.outside(record.name, (), name, Real(), index, float(host[index]), False, None)
    check_weights(backend, record, points.weights, None, wait=wait)


def _member(record: Record, host: Any) -> Any:
    """What may stand in the place of a target that does not count."""
    if record.labels_are_integers:
        return host.dtype.type(0)
    neutral = 1.0 / host.shape[-1] if record.target.coding == "one-hot" else record.target.neutral
    return host.dtype.type(neutral) if host.dtype.kind == "f" else neutral


def _shifted(settings: Settings, backend: Backend, hidden: Array, points: Points) -> tuple[Array, list[Array | None]]:
    """Each token beside the label that is so many places after it."""
    arrays = [points.inputs[0], points.weights, points.mask, points.live]
    by = settings.shift
    if by == 0:
        return hidden, arrays
    labels, *rest = arrays
    return hidden[..., :-by, :], [
        labels[..., by:, :],
        *(None if x is None else x[..., by:] for x in rest),
    ]
