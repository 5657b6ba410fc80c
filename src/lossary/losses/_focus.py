"""What focal losses share."""

from __future__ import annotations

from typing import Any

from ..words import where

# Below this a power is that of this: its derivative again would be infinite at 0, or 0 times infinity.
LEAST = 1e-37


def per_part(cost: Any, part: Any) -> Any:
    """``cost / part``, which is 1 where both vanish; its derivative does not divide by a square below all floats."""
    vanishes, up = part < LEAST, where(part < 1e-18, 1e18, 1.0)
    return where(vanishes, 1.0, (cost * up) / where(vanishes, 1.0, part * up))
