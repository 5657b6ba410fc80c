"""The clip of probabilities under a logarithm."""

from __future__ import annotations

from ..facts.settings import Interval

CLIP = Interval("Probabilities are clipped to [epsilon, 1 - epsilon]; unused from logits", 0.0, 0.5, usual=1e-7)
