"""A look at the first call of a loss in a PyTorch training loop."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import torch

from ..doctor.first_batch import When, check_first_batch, not_looked_at, valid_mode
from ..objects.get import get
from ..readers import foreign


class Guard:
    """A loss whose first call is looked at by the doctor; every later call goes straight to the loss.

    Attributes:
        loss: The loss itself.
        report: The doctor's report, None before the first call.
    """

    def __init__(self, loss: Any, model: torch.nn.Module | None, doctor: When) -> None:
        # PyTorch's own losses take (input, target), the others (y_true, y_pred).
        self._own = isinstance(loss, torch.nn.Module) or foreign.of_torch(_whole(loss)) is not None
        self.loss = loss if self._own else get(loss)
        self.report: Any = None
        self._model = model
        self._doctor = valid_mode(doctor)
        self._call = self._first

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The loss's own value for the same arguments."""
        return self._call(*args, **kwargs)

    def _first(self, *args: Any, **kwargs: Any) -> Any:
        self._call = self.loss
        first, second, *_ = *_in_order(self.loss, args, kwargs), None, None
        if second is None:
            not_looked_at(f"{type(self.loss).__name__} was called with a single argument", stacklevel=4)
        else:
            pair = (second, first) if self._own else (first, second)
            self.report = check_first_batch(self.loss, *pair, model=self._model, doctor=self._doctor, stacklevel=4)
        self._model = None
        return self.loss(*args, **kwargs)

    def __repr__(self) -> str:
        return f"guard({self.loss!r})"


def _whole(loss: Any) -> Any:
    return _whole(loss.func) if isinstance(loss, partial) else loss


def _in_order(loss: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments by their places."""
    try:
        bound = inspect.signature(getattr(loss, "forward", loss)).bind(*args, **kwargs)
    except ValueError:  # What is built in has no signature.
        return *args, *kwargs.values()
    return *bound.args, *bound.kwargs.values()


def guard(loss: Any, *, model: torch.nn.Module | None = None, doctor: When = "warn") -> Guard:
    """The loss, with a look by the doctor at the first call; it costs nothing from the second call on.

    Use it in a training loop: ``loss = lossary.torch.guard(lossary.CategoricalCrossentropy())``.

    Args:
        loss: Anything `lossary.get` understands, called with ``(y_true, y_pred)``, or a loss of ``torch.nn`` or
            function of ``torch.nn.functional``, called with ``(input, target)`` as PyTorch does.
        model: The model, so that its last layer is looked at too.
        doctor: ``"warn"``, ``"raise"`` or ``"off"``.

    Returns:
        A callable with the arguments and the value of the loss.

    Raises:
        UnknownLossError: ``loss`` names no loss.
        DiagnosisError: At the first call, with ``doctor="raise"``, if the doctor finds an error or a warning.

    >>> import torch, lossary.torch
    >>> loss = lossary.torch.guard("mean_squared_error")
    >>> float(loss(torch.tensor([[1.0]]), torch.tensor([[3.0]])))
    4.0
    >>> loss.report.ok
    True
    """
    return Guard(loss, model, doctor)
