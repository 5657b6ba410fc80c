"""What a processor with vectors wants of a kernel: sizes, and which way a kernel goes over the data points."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ...graph.program import Program
from ..lowering.form import SPECIAL, Target

# Rows of one loop that are taken side by side, or numbers of so many rows that are kept on the stack.
LANES = 32
# Elements of an array that are computed before a kernel turns to the next: a few arrays of them stay in the cache.
CACHED = 2048
# Rows of at most this many outputs are computed side by side.
NARROW = 24
# Numbers of as many such rows as there are lanes.
TILE = LANES * NARROW
# Elements that a loop without rows takes at a time.
CHUNK = 2048
# Elements per task: long enough that handing out tasks costs nothing, short enough that no thread waits at the end.
TASK = 1 << 17

LONG = Target(
    costly=frozenset(
        {"exp", "exp_decaying", "expm1", "log", "log1p", "log1p_of_normal", "log1p_unit", "log_or_log1p"}
        | {"log_of_normal", "log_or_log1p_of_normal"}
        | {"sinh", "small_sinh", "tanh", "power", "log1pmx", "expm1mx", "log1mexp", "logcosh", "arctan"}
    )
    | SPECIAL,
    keeps_quotients=True,
    # In double precision, which halves the number of float32 elements that a loop takes at a time.
    wide=frozenset({"sum", "mean", "mean_square", "total"}),
    # LLVM interleaves loops that reduce, and a long loop then has far more numbers at hand than the processor has
    # registers.  Whatever has no costly function is faster as one loop.
    heavy=19,
    # A division takes as long as ten multiplications.
    inverts=True,
    apart=True,
    sums=True,
)
# Rows side by side have their single places at different columns.
SHORT = replace(LONG, apart=False, sums=False)


class Use(NamedTuple):
    """What a kernel is for.

    ``rows`` keeps data points apart; otherwise a separable loss runs over all elements at once and gives their total.
    ``points`` is the same with one element per data point, whose values and factors are arrays.  ``narrow`` is for
    short rows.  ``curvature`` is for the slope and the diagonal of the Hessian instead of value and slope, or with
    ``turned`` the Hessian times a direction.
    """

    rows: bool
    points: bool
    gradient: bool
    mask: bool
    narrow: bool = False
    curvature: bool = False
    turned: bool = False

    @property
    def name(self) -> str:
        """A short name for files and functions."""
        shape = "narrow" if self.narrow else "rows" if self.rows else "points" if self.points else "total"
        kinds = {"gradient": self.gradient, "masked": self.mask, "curvature": self.curvature, "turned": self.turned}
        return "_".join([shape, *(kind for kind, wanted in kinds.items() if wanted)])

    @property
    def target(self) -> Target:
        """How the loops are arranged."""
        return SHORT if self.narrow else LONG


def use(program: Program, columns: int, *, total: bool, gradient: bool, mask: bool = False) -> Use:
    """The kernel for rows of this length; a total keeps no data points apart."""
    points = not total and program.separable and columns == 1
    rows = not total and not points
    return Use(rows, points, gradient, mask, narrow=rows and not mask and columns <= NARROW)


def curvature_use(program: Program, columns: int) -> Use:
    """The kernel of both derivatives; outputs that do not see each other are data points of their own."""
    rows = not program.separable
    narrow = rows and columns <= NARROW
    return Use(rows, points=not rows, gradient=False, mask=False, narrow=narrow, curvature=True)


# The kernel of a row's whole Hessian, a direction at a time.
TURNED = Use(rows=True, points=False, gradient=False, mask=False, curvature=True, turned=True)
