"""A loss as a norm of statsmodels' robust regression: what it costs, draws and weighs a residual of scale 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from statsmodels.robust.norms import RobustNorm

from ..objects.curvature import Curvature
from ..objects.get import get
from ..objects.loss import Loss
from ..objects.raw import LINKS

Floats = np.ndarray[Any, Any]


class Norm(RobustNorm):
    """A loss of one residual, for ``statsmodels.api.RLM(y, x, M=...)``."""

    def __init__(self, loss: Any) -> None:
        self.loss: Loss = get(loss)
        self._value = self.loss.replaced(reduction="none")
        self._derivatives = Curvature(self.loss, LINKS["identity"], "exact")

    def __repr__(self) -> str:
        return f"Norm({self.loss!r})"

    def rho(self, z: Any) -> Floats:
        """The loss of residuals."""
        residuals = np.asarray(z, np.float64)
        return np.asarray(self._value(residuals.ravel(), np.zeros(residuals.size))).reshape(residuals.shape)

    def _both(self, z: Any) -> tuple[Floats, Floats, Floats]:
        """The residuals, and the first and second derivative of the loss in them."""
        residuals = np.asarray(z, np.float64)
        slope, curve = self._derivatives(residuals.ravel(), np.zeros(residuals.size))
        return residuals, -np.asarray(slope).reshape(residuals.shape), np.asarray(curve).reshape(residuals.shape)

    def psi(self, z: Any) -> Floats:
        """Its derivative."""
        return self._both(z)[1]

    def weights(self, z: Any) -> Floats:
        """Its derivative over the residual; at 0 the limit."""
        residuals, slope, curve = self._both(z)
        none = residuals == 0.0
        return np.where(none, curve, slope / np.where(none, 1.0, residuals))

    def psi_deriv(self, z: Any) -> Floats:
        """Its second derivative."""
        return self._both(z)[2]
