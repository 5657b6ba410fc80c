"""Data points that are compared with each other: of each, the row of all their cosines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from ..backends import Array, Backend
from .batch import Batch
from .programs import program_at


class Directions(NamedTuple):
    """Rows of length 1, and the factors that made them so: 0 for a row of zeros, which has no direction."""

    rows: Array
    factors: Array


@dataclass(frozen=True, slots=True)
class Cosines:
    """The cosines of all pairs of rows, and the way back to the rows."""

    backend: Backend
    directions: Directions

    def matrix(self) -> Array:
        """The row of cosines of each."""
        rows = self.directions.rows
        return self.backend.matmul(rows, self.backend.turned(rows))

    def pulled(self, slopes: Array) -> Array:
        """The gradient in the rows, of the gradient in the matrix: each takes part as the one and as the other."""
        rows, factors = self.directions
        pull = self.backend.matmul(slopes + self.backend.turned(slopes), rows)
        return factors * (pull - rows * self.backend.sum(rows * pull))


def compared(batch: Batch) -> Batch:
    """The batch whose formula sees all pairs of points but those of a point with itself or with a masked one."""
    backend, (labels, rows) = batch.backend, batch.inputs
    if backend.shape(rows)[0] == 0:  # No rows are no pairs, and have no values in any case.
        return replace(batch, inputs=(backend.cast(labels, backend.dtype(rows)), rows))
    rows = backend.cast(rows, backend.finest(rows))
    cosines = Cosines(backend, _directions(backend, rows))
    matrix = cosines.matrix()
    column = backend.position(matrix)
    items = backend.logical_not(backend.equal(column, backend.turned(column)))
    if batch.mask is not None:
        kept = backend.expand_last(batch.mask)
        items = backend.logical_and(items, backend.logical_and(kept, backend.turned(kept)))
    same = backend.equal(labels, backend.turned(labels))
    # A point without a relative has nothing to be near to, and leaves the mean.
    relatives = backend.sum(backend.indicator(backend.logical_and(same, items), matrix))
    mask = backend.squeeze_last(backend.less(backend.ones_like(relatives) * 0, relatives))
    record, program = batch.program.record, batch.program
    return replace(
        batch,
        program=program_at(record, program.key[0], backend, gaps=True),
        inputs=(backend.indicator(same, matrix), matrix),
        items=items,
        mask=mask,
        live=mask,
        weights=None if batch.weights is None else backend.cast(batch.weights, backend.dtype(matrix)),
        compared=cosines,
    )


def _directions(backend: Backend, rows: Array) -> Directions:
    scale = backend.scale_to_one(backend.max(backend.abs(rows)))
    made = rows * scale
    squared = backend.sum(made * made)
    nothing = backend.equal(squared, 0.0)
    length = backend.sqrt(backend.where(nothing, backend.ones_like(squared), squared))
    return Directions(made / length, backend.where(nothing, backend.ones_like(squared) * 0, scale / length))
