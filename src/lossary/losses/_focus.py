"""What focal losses share."""

from __future__ import annotations

from typing import Any

from ..words import where


def per_part(cost: Any, part: Any) -> Any:
    """``cost / part``, which is 1 where both vanish; its derivative does not divide by a square below all floats."""
    vanishes, up = part < 1e-37, where(part < 1e-18, 1e18, 1.0)
    return where(vanishes, 1.0, (cost * up) / where(vanishes, 1.0, part * up))
