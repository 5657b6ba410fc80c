"""The loop over chunks of tokens for libraries that compute at once: scores, slopes, and gradients as it goes."""

from __future__ import annotations

from typing import Any, Protocol

from ..backends import Array
from ..calls import route
from ..calls.linear import Head

# Which of hidden, weight and bias a gradient is wanted for.
Wanted = tuple[bool, bool, bool]


class Arithmetic(Protocol):
    """What the loop does with arrays of one library."""

    times: int  # How much larger chunks are than elsewhere.

    def wide(self, x: Array) -> Array:
        """In the dtype that products are made of."""

    def kept(self, live: Array | None) -> Array | None:
        """The places of the tokens that count, or None where all do."""

    def empty(self, *shape: int) -> Array:
        """An array in the computing dtype whose contents are arbitrary."""

    def zeros(self, *shape: int) -> Array:
        """An array of zeros in the computing dtype."""

    def scores(self, hidden: Array, weight: Array, out: Array) -> Array:
        """``hidden @ weight.T``, in ``out``."""

    def back(self, slopes: Array, weight: Array) -> Array:
        """``slopes @ weight``."""

    def gather(self, total: Array, slopes: Array, hidden: Array) -> None:
        """Adds ``slopes.T @ hidden`` to the total."""

    def row(self, head: Head, labels: Array, scores: Array, factor: Array, *, gradient: bool) -> tuple[Array, Any]:
        """The loss of each token times its factor and, if wanted, its slope at each score."""

    def add_over_tokens(self, total: Array, slopes: Array) -> None:
        """Adds the sum of the slopes of all tokens."""


def run(head: Head, make: Arithmetic, wanted: Wanted, factor: Array) -> tuple[Array, list[Array]]:
    """The loss of every token times its factor, and the wanted gradients of their sum."""
    weight, bias = make.wide(head.weight), head.bias
    labels, kept = head.labels, make.kept(head.live)
    if kept is not None:
        labels, factor = labels[kept], factor[kept]
    count, (vocabulary, features) = factor.shape[0], weight.shape
    step = head.chunk(make.times)
    values, scores = make.zeros(count), make.empty(min(step, count), vocabulary)
    hidden_gradient = _room(make, wanted[0], head.tokens, features, clear=kept is not None)
    weight_gradient = _room(make, wanted[1], vocabulary, features)
    bias_gradient = _room(make, wanted[2], vocabulary)
    for first in range(0, count, step):
        rows = slice(first, min(first + step, count))
        place = rows if kept is None else kept[rows]
        hidden = make.wide(head.hidden[place])
        given = make.scores(hidden, weight, scores[: rows.stop - first])
        if bias is not None:
            given += bias
        values[rows], slopes = make.row(head, labels[rows], given, factor[rows], gradient=any(wanted))
        if hidden_gradient is not None:
            hidden_gradient[place] = make.back(slopes, weight)
        if weight_gradient is not None:
            make.gather(weight_gradient, slopes, hidden)
        if bias_gradient is not None:
            make.add_over_tokens(bias_gradient, slopes)
        slopes = None  # So that its memory is there for the next.
    if kept is not None:
        found, values = values, make.zeros(head.tokens)
        values[kept] = found
    return values, [x for x in (hidden_gradient, weight_gradient, bias_gradient) if x is not None]


def _room(make: Arithmetic, wanted: bool, *shape: int, clear: bool = True) -> Array | None:
    return (make.zeros(*shape) if clear else make.empty(*shape)) if wanted else None


def fastest(head: Head, labels: Array, scores: Array, factor: Array | None, *, gradient: bool) -> tuple[Array, Any]:
    """The loss of each token and its slopes, by what is fastest for their library."""
    way = route.of(head.backend)
    call = way.call(head.settings.row, (labels, scores), factor, None, -1, "off", batched=True)
    return call.value_and_gradient("none") if gradient else (call.reduced("none"), None)
