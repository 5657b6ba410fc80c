"""Losses as JavaScript, for pages: value and slope of one data point, printed from the traced formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..backends import NUMPY
from ..calls.programs import Program, program_for
from ..objects.define import Loss
from ..objects.get import get
from ..texts.calls import no_script
from ._script import function, unspelled
from ._script_words import COMPOSED, words_of

__all__ = ["explain", "printed", "source", "unfit", "words_of"]


def source(loss: Any) -> str:
    """A script that defines a function of a loss: its value, and the slope of each of its predictions.

    The function takes what one data point is made of, then the loss's numbers, whose defaults are those of the object.
    Where outputs do not see each other it takes a single output, and where they do an array of them.

    Args:
        loss: A name, a function or a loss object.

    Returns:
        The source, which needs no other script.

    Raises:
        LossError: Such a formula has no spelling in JavaScript; `explain` says why.

    >>> from lossary.show import javascript
    >>> print(javascript.source("log_cosh").splitlines()[-1])
    }
    >>> print(javascript.explain("ctc"))
    ctc: its data points are matrices
    """
    made: Loss = get(loss)
    program = program_for(made.record, made.parameters, NUMPY)
    reason = unfit(program)
    if reason:
        raise no_script(made.name, reason)
    own = printed(program, made.record.name, made.parameters)
    return f"{words_of(own)}{own}\n"


def explain(loss: Any) -> str:
    """Whether a loss can be printed as JavaScript, or why not: one sentence."""
    made: Loss = get(loss)
    reason = unfit(program_for(made.record, made.parameters, NUMPY))
    return f"{made.record.name}: {reason}" if reason else f"{made.record.name} is printed as JavaScript"


def unfit(program: Program) -> str:
    """Why a formula is not printed, or nothing."""
    if program.record.compared:
        return "it compares data points with each other"
    if program.depth > 1:
        return "its data points are matrices"
    return unspelled(program.outputs("value_and_slope"), COMPOSED)


def printed(program: Program, name: str, defaults: Mapping[str, Any] | None = None) -> str:
    """The function alone, which finds its words in ``w``."""
    numbers = {each: float(defaults[each]) for each in program.numbers} if defaults else {}
    given = [*program.arrays, *(program.graph.input(each, frozenset()) for each in program.numbers)]
    inputs = list(zip(program.inputs, given, strict=True))
    outputs = program.outputs("value_and_slope")
    return function(name, inputs, outputs, single=program.separable, defaults=numbers)
