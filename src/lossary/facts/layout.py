"""Where something lies in the arrays of a caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Layout:
    """How arrays that have been lined up lie in those of the caller, so that messages name places in the latter.

    Rows lie along ``axes``, which have these ``lengths`` if there are several; ``rank`` is common to all before the
    rows are moved, and ``ranks`` are those of the caller's arguments.  What is not among them lies along the axes that
    it has.
    """

    axes: tuple[int, ...]
    lengths: tuple[int | None, ...]
    rank: int
    ranks: Mapping[str, int]

    @property
    def is_plain(self) -> bool:
        """Whether rows lie along the last axis."""
        return self.axes == (-1,)

    def index(self, argument: str, index: tuple[int, ...]) -> tuple[int | str, ...]:
        """The caller's index of an element, or of a whole row if its last entry is missing."""
        lined = self.rank - len(self.axes) + 1
        rank = self.ranks.get(argument, len(index) if len(index) < lined else self.rank)
        full: list[int | str] = list(index[:lined])
        full += [":"] * (lined - len(full))
        if not self.is_plain and rank >= self.rank:
            for axis, place in zip(self.axes, self._inside(full.pop()), strict=True):
                full.insert(axis, place)
        while full and full[-1] == ":":
            full.pop()
        return tuple(full[:rank])

    def _inside(self, place: int | str) -> Sequence[int | str]:
        """The place in a row along each of its axes."""
        if len(self.axes) == 1:
            return (place,)
        if isinstance(place, str) or None in self.lengths:
            return [":"] * len(self.axes)
        return [int(i) for i in np.unravel_index(place, self.lengths)]  # type: ignore[arg-type]
