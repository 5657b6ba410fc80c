"""A loss run on small arrays drawn from its own domains, on any backend, with results as NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import backends
from ..facts.domain import Classes, Domain, OneHot, Signs, Unit
from ..facts.record import Record
from ..objects.define import Loss
from .evidence import Floats

POINTS, OUTPUTS = 6, 5
# A raw score this large stands for certainty.
SURE = 30.0


@dataclass
class Probe:
    """A loss, the backend it runs on, and a source of random numbers."""

    loss: Loss
    backend: backends.Backend
    rng: np.random.Generator

    @property
    def record(self) -> Record:
        """The facts about the loss."""
        return self.loss.record

    @property
    def prediction(self) -> Domain:
        """Where predictions lie at these parameters."""
        return self.record.prediction_domain(self.loss.parameters)

    def targets(self, points: int = POINTS) -> Floats:
        """Ordinary targets."""
        return np.asarray(self.record.target.sample(self.rng, (points, OUTPUTS)))

    def predictions(self, points: int = POINTS) -> Floats:
        """Ordinary predictions."""
        return np.asarray(self.prediction.sample(self.rng, (points, OUTPUTS)), np.float64)

    def perfect(self, y_true: Floats) -> Floats:
        """Predictions that say exactly what the targets say, or as good as exactly in raw scores."""
        if isinstance(self.record.target, Classes):
            y_true = np.eye(OUTPUTS)[y_true]
        y_true = np.asarray(y_true, np.float64)
        if isinstance(self.record.target, Signs):
            return 2 * y_true
        if not self.loss.parameters.get("from_logits"):
            return SURE * y_true if isinstance(self.record.target, OneHot) and not self._unit else y_true
        return SURE * (2 * y_true - 1)

    @property
    def _unit(self) -> bool:
        return isinstance(self.prediction, Unit)

    @property
    def widest(self) -> str:
        """The widest float the backend computes in."""
        return self.backend.dtype(self.backend.asarray(np.zeros(1)))

    def array(self, x: Floats, dtype: str = "float64") -> Any:
        """An array of the backend; integers stay integers."""
        if x.dtype.kind in "iub":
            return self.backend.asarray(x)
        return self.backend.asarray(x.astype(dtype) if dtype != "bfloat16" else x)

    def values(self, y_true: Floats, y_pred: Floats, dtype: str = "float64", **settings: Any) -> Floats:
        """One value per data point, in float64."""
        loss = self._reducing("none")
        values = loss(self.array(y_true, dtype), self.array(y_pred, dtype), **self._arrays(settings, dtype))
        # A function of the user's may leave one value per output; a data point's is their mean.
        return np.asarray(self._host(values).reshape(len(y_pred), -1).mean(1))

    def total(self, y_true: Floats, y_pred: Floats, dtype: str = "float64", **settings: Any) -> tuple[float, Floats]:
        """The sum over all data points and its gradient."""
        value, gradient = self._reducing("sum").value_and_grad(
            self.array(y_true, dtype), self.array(y_pred, dtype), **self._arrays(settings, dtype)
        )
        return float(self._host(value)), self._host(gradient)

    def _arrays(self, settings: dict[str, Any], dtype: str) -> dict[str, Any]:
        return {name: self.array(np.asarray(value), dtype) for name, value in settings.items()}

    def _reducing(self, reduction: str) -> Loss:
        return self.loss.replaced(reduction=reduction)

    def _host(self, x: Any) -> Floats:
        found = self.backend.host(x, wait=True)
        if found is None and hasattr(x, "eval"):
            found = x.eval()
        return np.asarray(found, np.float64)
