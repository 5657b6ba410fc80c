"""Faults that are found on a device: what is looked at there, and what is said once the host hears of it.

Below the backends, which send what was found on its way.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import texts
from ..errors import DomainError, DomainWarning, LossError
from ..facts.domain import Domain, Real, Transcript
from ..facts.layout import Layout
from ..facts.registry import enrolled


class Look(NamedTuple):
    """Values that were looked at on the device, and a mark at each that lies outside its set."""

    argument: str
    values: Any
    wrong: Any


class Speech(threading.local):
    """In whose words the faults of a call under way are told.

    Attributes:
        torch: What `texts.in_torch_words` has to know of a module of PyTorch, ``(own, elements)``; None for our words.
    """

    def __init__(self) -> None:
        self.torch: tuple[bool, bool] | None = None


speech = Speech()


class Site(NamedTuple):
    """What the host needs to put a fault into words: plain data, as compiled programs hold it beyond the call.

    ``switched`` are the parameters that are True, ``torch`` is that of the `Speech`.
    """

    loss: str
    parameters: tuple[str, ...]
    switched: tuple[str, ...]
    arguments: tuple[str, ...]
    layout: tuple[tuple[int, ...], tuple[int | None, ...], int, tuple[tuple[str, int], ...]]
    torch: tuple[bool, bool] | None

    def tell(self, shapes: Sequence[Any], positions: Any, values: Any) -> None:
        """Puts the first fault on record, if there is one.

        For each look, ``shapes`` holds the shape of its marks, ``positions`` the flat index of the first one, or -1,
        and ``values`` what was there.
        """
        classes = {a: int(shape[-1]) for a, shape in zip(self.arguments, shapes, strict=True) if a == "y_pred"}
        for argument, shape, position, value in zip(self.arguments, shapes, positions, values, strict=True):
            if position >= 0:
                full = tuple(map(int, shape))
                index = tuple(int(i) for i in np.unravel_index(int(position), full))
                error = self._error(argument, index, full, float(value), classes.get("y_pred"))
                _found(error if self.torch is None else texts.in_torch_words(error, *self.torch))
                return

    def _error(
        self, argument: str, index: tuple[int, ...], shape: tuple[int, ...], value: float, classes: int | None
    ) -> DomainError:
        axes, lengths, rank, ranks = self.layout
        layout = Layout(axes, lengths, rank, dict(ranks))
        if argument == "sample_weight":
            return texts.weight_value(self.loss, value, index, shape, layout)
        record = enrolled(self.loss)
        domain: Domain = Real()
        if record is not None:
            place, given = next(each for each in enumerate(record.inputs) if each[1].shown == argument)
            domain = record.domain(place, dict.fromkeys(self.switched, True))
            if given.is_label and argument == "y_true":
                return texts.label(self.loss, value, index, classes, layout)
            if given.is_label or isinstance(domain, Transcript):
                return texts.number(self.loss, argument, value, index, classes, layout)
        row = len(index) < rank - len(axes) + 1
        return texts.outside(self.loss, self.parameters, argument, domain, index, value, row, layout)


_recording = threading.Lock()
_first: list[LossError] = []


def _found(error: LossError) -> None:
    with _recording:
        if not _first:
            _first.append(error)
    warnings.warn(str(error), DomainWarning, stacklevel=2)


def first() -> LossError | None:
    """The first fault since the last call."""
    with _recording:
        return _first.pop() if _first else None
