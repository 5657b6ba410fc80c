"""What other libraries compute, beside the lines that records give for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import loading as loading  # Before anything that is not installed whole is imported.


@dataclass(frozen=True)
class Peer:
    """How a library is called with what a loss of ours takes, and what its line says besides.

    ``theirs`` takes the arguments in our order, as ``arrays`` of that library; ``ours`` is the line's loss of them, if
    its comment says that something differs.  A number is compared with the mean, several with values per data point.
    """

    theirs: Callable[..., Any]
    ours: Callable[..., Any] | None = None
    shape: tuple[int, ...] = (6, 5)
    settings: dict[str, Any] = field(default_factory=dict)
    draw: Callable[[np.random.Generator, tuple[Any, ...]], Any] = lambda rng, drawn: drawn
    rtol: float = 1e-9
    arrays: str = "torch"
    gradient: bool = True
