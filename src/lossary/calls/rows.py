"""Which axes of the caller's arrays make up a row, and the way there and back."""

from __future__ import annotations

from typing import Final, NamedTuple

from ..backends import Array, Backend

Shape = tuple[int | None, ...]


class Rows(NamedTuple):
    """The axes along which the outputs of one data point lie; they become the last axis, one after the other.

    ``axes`` ascend from 0, or are ``(-1,)`` where rows lie along the last axis already.
    """

    axes: tuple[int, ...]

    @property
    def are_last(self) -> bool:
        """Whether nothing has to be moved."""
        return self.axes == (-1,)

    def gathered(self, backend: Backend, x: Array) -> Array:
        """The array with its rows along the last axis."""
        if self.are_last:
            return x
        for moved, axis in enumerate(self.axes):
            x = backend.moveaxis(x, axis - moved, -1)
        return x if len(self.axes) == 1 else backend.fold_last(x, len(self.axes))

    def scattered(self, backend: Backend, x: Array, like: Array) -> Array:
        """What has rows along the last axis, in the shape of the caller's array ``like``."""
        if self.are_last:
            return x
        if len(self.axes) > 1:
            x = backend.unfold_last(x, like, self.axes)
        for moved, axis in reversed(list(enumerate(self.axes))):
            x = backend.moveaxis(x, -1, axis - moved)
        return x

    def without(self, shape: Shape) -> Shape:
        """The shape of the data points."""
        if self.are_last:
            return shape[:-1]
        return tuple(length for axis, length in enumerate(shape) if axis not in self.axes)

    def lengths(self, shape: Shape) -> Shape:
        """How long the rows are along each of their axes."""
        return tuple(shape[axis] for axis in self.axes)


LAST: Final = Rows((-1,))
