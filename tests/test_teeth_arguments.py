"""Teeth for losses with several inputs: each is sabotaged, term by term and slope by slope, and must be noticed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from everywhere import EXAMPLES
from lossary.calls.programs import Program
from lossary.facts.record import Record
from lossary.graph import Node
from lossary.objects.define import Loss, function, loss_class
from test_accuracy_arguments import HURT, Hurt, errors

# Far beyond what rounding can do.
NOTICED = 1e3
EXAMPLE_NAMES = {setting.record.name for setting in EXAMPLES}


def groups() -> dict[str, list[Hurt]]:
    """The inputs that hurt, by loss and switches: a term that is gone shows in some of them."""
    found: dict[str, list[Hurt]] = {}
    for hurt in HURT:
        found.setdefault("-".join([hurt.name, *map(str, switches(hurt).items())]), []).append(hurt)
    return found


def switches(hurt: Hurt) -> dict[str, Any]:
    record = function(hurt.name).record
    settings = record.defaults() | hurt.parameters
    return {p.name: settings[p.name] for p in record.parameters if not p.is_number}


def is_noticed(record: Record, hurts: list[Hurt]) -> bool:
    """Whether a reference tells the record from the loss that it was."""
    base = Loss if record.names == ("y_true", "y_pred") else loss_class(record.name).__bases__[0]
    with np.errstate(all="ignore"):
        return any(
            error > NOTICED
            for hurt in hurts
            for error, _ in errors(
                hurt,
                "numpy",
                type(record.class_name, (base,), {"record": record})(
                    reduction="none", axis=(-1,) if record.regions else -1, **hurt.parameters
                ),
            )
        )


def rebuilt(output: Node, old: Node, new: Node) -> Node:
    """The expression with one node replaced."""
    known: dict[int, Node] = {id(old): new}

    def build(node: Node) -> Node:
        if id(node) not in known:
            args = tuple(map(build, node.args))
            known[id(node)] = node.graph.node(node.op, args, node.axes, node.value, is_bool=node.is_bool)
        return known[id(node)]

    return build(output)


def terms(output: Node) -> list[tuple[Node, Node]]:
    """Each sum or difference that reaches the value, with what is left when one of its terms is dropped."""
    found, seen, stack = [], set(), [output]
    while stack:
        node = stack.pop()
        if id(node) in seen or node.is_bool:
            continue
        seen.add(id(node))
        if node.op != "scale_to_one":  # What is scaled with any power of two comes out the same.
            stack.extend(node.args)
        # Of two products by what each is off: it matters in rounding alone, which tests at small angles see.
        if node.op in ("add", "subtract") and not all(arg.op == "residual" for arg in node.args):
            found += [(node, arg) for arg in node.args if arg.axes == node.axes]
    return found


def dropped(record: Record, chosen: dict[str, Any]) -> Iterator[Record]:
    """The record with one term of its formula missing, term by term."""
    for position in range(len(terms(Program(record, tuple(chosen.items())).output))):

        def formula(*arguments: Any, position: int = position, **parameters: Any) -> Any:
            output = record.formula(*arguments, **parameters)
            found = terms(output)
            return rebuilt(output, *found[position]) if position < len(found) else output

        yield dataclasses.replace(record, formula=formula)


@pytest.mark.parametrize(
    "group",
    [
        pytest.param(group, marks=() if hurts[0].name in EXAMPLE_NAMES else pytest.mark.costly)
        for group, hurts in groups().items()
    ],
)
def test_a_dropped_term_is_noticed(group: str) -> None:
    hurts = groups()[group]
    record = function(hurts[0].name).record
    for number, sabotaged in enumerate(dropped(record, switches(hurts[0]))):
        assert is_noticed(sabotaged, hurts), f"dropping term {number} went unnoticed"


@pytest.mark.parametrize("group", groups())
def test_a_wrong_slope_is_noticed(group: str) -> None:
    hurts = groups()[group]
    record = function(hurts[0].name).record
    if record.slope is None:
        return  # It is derived from the formula, whose terms are dropped above.
    for place in range(len(record.predictions)):

        def slope(*arguments: Any, place: int = place, **parameters: Any) -> Any:
            found = record.slope(*arguments, **parameters)  # type: ignore[misc]
            several = found if isinstance(found, tuple) else (found,)
            return tuple(1.01 * each if i == place else each for i, each in enumerate(several))

        assert is_noticed(dataclasses.replace(record, slope=slope), hurts), f"slope {place}"
