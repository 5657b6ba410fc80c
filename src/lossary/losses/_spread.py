"""What losses of a location and a spread share, where the spread may be 0."""

from __future__ import annotations

import math
from typing import Any

from ..words import maximum, where


def in_units(gap: Any, spread: Any) -> Any:
    """The gap in units of the spread; nothing where there is neither gap nor spread."""
    return gap / where(maximum(abs(gap), spread) == 0.0, 1.0, spread)


def likelihood(log_spread: Any, cost: Any) -> Any:
    """Their sum.  A spread of 0 costs infinitely much, however likely it makes what is at the location."""
    return where(cost == math.inf, cost, log_spread + cost)
