"""What a kernel needs of a call, and what one that has taken a call offers in return.

Calls and kernels know each other by this module alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..graph.program import Program

Array = Any
# What kernels and steps answer, besides 1 where values lie outside their sets: a result that is not finite, targets
# that were to give labels and are not one-hot, and memory that does not lie in order, of which nothing was computed.
NOT_FINITE, NOT_ONE_HOT, NOT_IN_ORDER = 2, 4, 8


class Library(Protocol):
    """The array library of a call."""

    name: str

    def shape(self, x: Array) -> Any:
        """The lengths of the axes."""


class Fusible(Protocol):
    """A call that a kernel may take: rows along the last axis, in the dtype that is computed with.

    ``mask`` are the data points that a mean counts, ``live`` those of them whose weight is not 0; None means all.
    """

    @property
    def backend(self) -> Library:
        """The library of the arrays."""

    @property
    def program(self) -> Program:
        """The traced formula."""

    @property
    def inputs(self) -> tuple[Array, ...]:
        """The arrays that the formula sees."""

    @property
    def y_true(self) -> Array:
        """The targets of a loss of ``(y_true, y_pred)``."""

    @property
    def y_pred(self) -> Array:
        """The predictions; the first if there are several."""

    @property
    def numbers(self) -> tuple[Any, ...]:
        """The numeric parameters, in the order of the program's."""

    @property
    def weights(self) -> Array | None:
        """One weight per data point."""

    @property
    def mask(self) -> Array | None:
        """The data points that are counted."""

    @property
    def live(self) -> Array | None:
        """The data points that are looked at."""

    @property
    def outputs(self) -> Any:
        """How many of its points make up a data point: 1, unless each output has a weight of its own."""


class Fused(Protocol):
    """A call in the hands of a kernel; what it returns is None where it must leave the call to the words."""

    def values(self) -> Array | None:
        """One value per data point."""

    def reduced(self, reduction: str, *, gradient: bool) -> tuple[Array, Sequence[Array]] | None:
        """The reduced loss and, if wanted, its gradients, one for each of the predictions."""

    def gradients(self, upstream: Array) -> Sequence[Array] | None:
        """The gradients for one factor per data point."""

    def origin(self) -> str:
        """Where the kernel comes from; raises `NoKernelError` where there is none."""


class NoKernelError(Exception):
    """A formula that cannot be compiled; the message says why."""
