"""What a kernel computes, as data: the form between a traced formula and the text that a target runs.

A kernel goes over the outputs of a data point in stages.  Each computes some numbers of the data point first, and then
runs loops over its outputs, which read arrays, compute, keep values for later loops, reduce, write, and watch for
values outside the declared sets.  Nodes of the graph say what is computed; nothing here says how that is spelled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...graph import ROW, Node

# Where a loop writes the slope, the value of a data point that is a single element, and the diagonal of the Hessian.
SLOPES, RESULTS, CURVES = "slopes", "results", "curves"


def slopes(place: int) -> str:
    """Where the slope of the prediction of this place is written; there may be several."""
    return f"{SLOPES}{place or ''}"


# The gamma function and the normal distribution, which are compositions of other words.
SPECIAL = frozenset({"bell", "binet", "binet_slope", "digamma", "erf", "inverse_mills", "lgamma", "log_ndtr"})
SPECIAL |= {"trigamma"}
# Words for which there are loops.
WORDS = SPECIAL | frozenset(
    {"abs", "add", "arctan", "count", "detach", "divide", "equal", "exp", "expm1", "expm1mx", "first_max", "guard"}
    | {"hypot1", "indicator", "is_label", "lead", "less", "less_equal", "log", "log1mexp", "log1p", "log1pmx"}
    | {"logcosh", "logical_and", "logical_not", "logical_or", "max", "maximum", "mean", "mean_square", "minimum"}
    | {"multiply", "negative", "position", "power", "residual", "scale_to_one", "sigmoid", "sign", "sinh", "softplus"}
    | {"spread", "sqrt", "square", "subtract", "sum", "take", "tanh", "weighted", "where", "xlogy"}
)


@dataclass(frozen=True)
class Target:
    """What the arrangement has to know of whatever runs the kernel."""

    # Functions worth a store and a load instead of a second computation.  One of another waits for it, in one loop; in
    # two loops over stored values several elements are under way at a time.
    costly: frozenset[str] = frozenset()
    # So are quotients of two elements, which do not wait for anything.
    keeps_quotients: bool = False
    # Reductions with wider numbers than the elements have, of which a loop then takes fewer at a time.
    wide: frozenset[str] = frozenset()
    # A loop with more operations leaves its reductions to light loops over what it stores.
    heavy: float = math.inf
    # Elements are multiplied by the inverse of what their row is divided by.
    inverts: bool = False
    # What differs at single places of the row is computed for those places alone, and written over the rest.
    apart: bool = False
    # The sum of what lies in memory needs no loop that computes.
    sums: bool = False


@dataclass(frozen=True)
class Input:
    """An array of the call, and the ordinary member of its set that may stand where nobody looks.

    A label is the place of one output per data point.
    """

    name: str
    node: Node
    neutral: float
    is_label: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it holds one number per data point."""
        return self.node.axes == ROW and not self.is_label


@dataclass(frozen=True)
class Kept:
    """Element values that lie in memory, and in which array."""

    node: Node
    store: str


@dataclass(frozen=True)
class Body:
    """What is done for one element: the inputs read, the operations, operands first, and what they are for."""

    loads: tuple[Input, ...]
    computes: tuple[Node, ...]
    results: tuple[Node, ...]


@dataclass(frozen=True)
class Number:
    """A number of the data point; ``body`` is what it looks at where it is a single element or is searched for."""

    node: Node
    body: Body | None = None


@dataclass(frozen=True)
class Reduction:
    """A number that a loop reduces all elements to; ``array`` is where they lie already, if they do."""

    node: Node
    array: str = ""

    @property
    def of(self) -> Node:
        """What it looks at, element by element."""
        return self.node.args[0]


@dataclass(frozen=True)
class Write:
    """A node that a loop writes; ``value`` is what it is at all places but the loop's single ones.

    A slope is multiplied by its data point's factor, and multiplied with or divided by each number of its ``scale``.
    """

    node: Node
    value: Node
    store: str
    is_slope: bool = False
    scale: tuple[tuple[str, Node], ...] = ()


@dataclass(frozen=True)
class Place:
    """A single place of the row at which some of the writes have values of their own."""

    index: Node
    body: Body
    writes: tuple[Write, ...]


@dataclass(frozen=True)
class Loop:
    """One pass over the outputs, and the kept values that stand when it begins."""

    kept: tuple[Kept, ...]
    body: Body
    reductions: tuple[Reduction, ...]
    writes: tuple[Write, ...]
    places: tuple[Place, ...]
    checks: tuple[Node, ...]


@dataclass(frozen=True)
class Stage:
    """Numbers of the data point, then loops that use them; the kept values are those that stand at its beginning."""

    kept: tuple[Kept, ...]
    numbers: tuple[Number, ...]
    loops: tuple[Loop, ...]


@dataclass(frozen=True)
class Lowered:
    """A kernel.

    ``main`` is the input whose shape the outputs have.  ``slopes`` are where the slopes of the predictions are written,
    ``checks`` hold for the whole data point, ``numbers`` are computed from the parameters alone, before any array is
    touched, and ``stores`` are the arrays that kept values need besides the gradients.  ``results`` hold the value of
    the data point; a kernel of both derivatives has none.
    """

    name: str
    inputs: tuple[Input, ...]
    main: Input
    stages: tuple[Stage, ...]
    results: tuple[Node, ...]
    slopes: tuple[str, ...]
    checks: tuple[Node, ...]
    parameters: tuple[str, ...]
    numbers: tuple[Node, ...]
    stores: tuple[str, ...]

    @property
    def writes(self) -> tuple[Write, ...]:
        """What all loops write."""
        return tuple(write for stage in self.stages for loop in stage.loops for write in loop.writes)

    @property
    def value(self) -> Node:
        """The value of the data point."""
        (found,) = self.results
        return found
