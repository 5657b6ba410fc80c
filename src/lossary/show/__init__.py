"""Pictures of losses: their value and slope, and the course of a training."""

from ._plot import Plot, plot

__all__ = ["Plot", "plot"]
