"""What a compiled function takes, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Typed:
    """A parameter: the dtype of a number, or of the elements of an array with so many axes.

    An address is that of an array's elements, and comes from Python as a number or as an array of NumPy.
    """

    dtype: str
    axes: int = 0
    is_written: bool = False
    is_address: bool = False


class Around(NamedTuple):
    """The source of a function that calls a kernel by the name ``kernel``, and what that function takes."""

    source: str
    parameters: tuple[Typed, ...]
