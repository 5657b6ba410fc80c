"""What a compiled function takes, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Typed:
    """A parameter: the dtype of a number, or of the elements of an array with so many axes.

    An address is that of an array's elements, and comes from Python as a number or as an array of NumPy.
    """

    dtype: str
    axes: int = 0
    is_written: bool = False
    is_address: bool = False


@dataclass(frozen=True)
class Around:
    """The source of a function that calls another by the name ``kernel``, and what that function takes.

    It may call others too, which are given by their name and source.
    """

    source: str
    parameters: tuple[Typed, ...]
    others: tuple[tuple[str, str], ...] = ()
