"""From a program to its lowered form."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from ...facts.domain import Domain, OneHot, Parts, Ranks
from ...graph import ELEMENT, NUMBER, ROW, Node, walk, words
from ...graph.program import UPSTREAM, Program
from .form import (
    CURVES,
    RESULTS,
    SLOPES,
    Body,
    Input,
    Kept,
    Loop,
    Lowered,
    Number,
    Place,
    Reduction,
    Stage,
    Target,
    Write,
)
from .form import slopes as slopes_of
from .hard import at_hard_targets, is_hard, target_of
from .levels import Arranged, Draft, Slope, arranged
from .rewrite import elsewhere, lowered, places, there, without_divisions, without_scale

# Derivatives of more nodes stay in words.
_MOST = 300


def lower(
    program: Program, target: Target, *, gradient: bool, rows: bool, points: bool = False, hard: bool | None = None
) -> Lowered:
    """The kernel of a program.

    With ``rows`` data points are kept apart; without, a separable loss runs over all elements at once and gives their
    total, or with ``points`` is the same with one element per data point.  ``hard`` says whether the targets are all 0
    or 1, for a kernel that leaves it to others to look at predictions (`by_targets`).
    """
    output = program.output
    value = output
    if not rows:
        value = words.square(output.args[0]) if output.op == "mean_square" else output.args[0]
    if hard:
        value = at_hard_targets(value, program.arrays[0])
    outputs = [value, *map(program.derivative, program.predictions)] if gradient else [value]
    (value, *found), checks, of_rows = _lowered(program, outputs, rows=rows)
    if hard is not None:  # What is 0 or 1 needs no check.
        checks = [] if hard else checks[:1]
    slopes = [_slope(place, node) for place, node in enumerate(found)]
    if rows and target.inverts:
        value, slopes = _without_divisions(value, slopes)
    if not rows and not points:
        value = value.graph.node("total", (value,), ROW)
    plan = arranged(target, value, slopes, None, checks, of_rows, points=points)
    outputs = [value, *(slope.node for slope in slopes), *checks, *of_rows]
    return _form(program, target, plan, outputs, slopes, value, of_rows)


def _slope(place: int, node: Node) -> Slope:
    node, scale = without_scale(node)
    return Slope(node, slopes_of(place), tuple(scale))


def _without_divisions(value: Node, slopes: Sequence[Slope]) -> tuple[Node, list[Slope]]:
    """The same with the inverse of what a row is divided by."""
    scales = [node for slope in slopes for _, node in slope.scale]
    found = iter(without_divisions([value, *scales, *(slope.node for slope in slopes)]))
    value = next(found)
    scales = list(islice(found, len(scales)))
    numbers = iter(scales)
    kept = [tuple((sign, next(numbers)) for sign, _ in slope.scale) for slope in slopes]
    return value, [Slope(next(found), slope.store, scale) for slope, scale in zip(slopes, kept, strict=True)]


class ByTargets(NamedTuple):
    """Two kernels of one total: for targets that are all 0 or 1 (``is_hard``), and for others.

    ``checks`` are those of predictions.
    """

    is_hard: Node
    checks: tuple[Node, ...]
    hard: Lowered
    soft: Lowered


def by_targets(program: Program, target: Target, *, gradient: bool) -> ByTargets | None:
    """Both of them, where targets that are all 0 or 1 take fewer costly functions."""
    given = target_of(program)
    if given is None:
        return None
    hard, soft = (lower(program, target, gradient=gradient, rows=False, hard=hard) for hard in (True, False))
    if _costs(hard, target) >= _costs(soft, target):
        return None
    numbers = tuple({id(node): node for node in (*hard.numbers, *soft.numbers)}.values())
    hard, soft = (replace(form, numbers=numbers) for form in (hard, soft))
    return ByTargets(is_hard(given), tuple(_lowered(program, [], rows=False)[1][1:]), hard, soft)


def _costs(form: Lowered, target: Target) -> int:
    loops = (loop for stage in form.stages for loop in stage.loops)
    return sum(node.op in target.costly for loop in loops for node in loop.body.computes)


def curvature(program: Program, target: Target, *, rows: bool, turned: bool = False) -> Lowered:
    """The kernel of the slope and the diagonal of the Hessian, output by output, without factors.

    What is ``turned`` is the Hessian times a direction in place of its diagonal.
    """
    outputs = program.outputs("turn" if turned else "curvature")
    if len(walk(outputs)) > _MOST:
        raise ValueError("it would take seconds to compile")
    outputs, checks, of_rows = _lowered(program, outputs, rows=rows)
    slope, curve = outputs = without_divisions(outputs) if target.inverts else outputs
    slopes = [Slope(slope)]
    plan = arranged(target, None, slopes, curve, checks, of_rows, points=False)
    return _form(program, target, plan, [*outputs, *checks, *of_rows], slopes, checks=of_rows, turned=turned)


def _form(
    program: Program,
    target: Target,
    plan: Arranged,
    outputs: Sequence[Node],
    slopes: Sequence[Slope],
    value: Node | None = None,
    checks: Sequence[Node] = (),
    *,
    turned: bool = False,
) -> Lowered:
    inputs, stores = _inputs(program), plan.stores()
    if turned:
        inputs = (*inputs, Input(UPSTREAM, program.graph.input(UPSTREAM, ELEMENT), 0.0))
    return Lowered(
        name=program.record.name,
        inputs=inputs,
        main=inputs[program.record.main],
        stages=_stages(plan, stores, inputs, target, factors=value is not None),
        results=() if value is None else (value,),
        slopes=tuple(slope.store for slope in slopes),
        checks=tuple(checks),
        parameters=program.numbers,
        numbers=_numbers(outputs, [node for slope in slopes for _, node in slope.scale]),
        stores=tuple(store for store in stores.values() if store != SLOPES),
    )


def _inputs(program: Program) -> tuple[Input, ...]:
    domains = [program.record.domain(place, program.switches) for place in range(len(program.arrays))]
    given = zip(program.record.inputs, program.arrays, domains, strict=True)
    return tuple(Input(each.name, node, domain.neutral, each.is_label) for each, node, domain in given)


def _lowered(program: Program, outputs: Sequence[Node], *, rows: bool) -> tuple[list[Node], list[Node], list[Node]]:
    """The outputs, and that arguments lie in their sets: what holds for each element, and what for each row."""
    of_inputs = [
        membership(program.record.domain(place, program.switches), each.node)
        for place, each in enumerate(_inputs(program))
        if watches(program) and not each.is_label
    ]
    elements = [node for element, _ in of_inputs for node in element]
    of_rows = [node for _, row in of_inputs for node in row] if rows else []
    roots = iter(lowered(program, [*outputs, *elements, *of_rows]))
    return list(islice(roots, len(outputs))), list(islice(roots, len(elements))), list(roots)


def watches(program: Program) -> bool:
    """Whether a kernel sees by itself what lies outside its set, which one number says alone or the row it is in."""
    record = program.record
    ordered = any(isinstance(each.domain, Parts) and each.domain.ordered for each in record.arguments)
    return not (ordered or any(isinstance(each.domain, Ranks) for each in record.inputs))


def membership(domain: Domain, x: Node) -> tuple[list[Node], list[Node]]:
    """What membership in the domain means, element by element and for the whole row."""
    plain = type(domain).contains is Domain.contains and domain.low == -float("inf") and domain.high == float("inf")
    element = words.equal(x, x) if plain else domain.contains(x)  # type: ignore[arg-type]
    if x.axes == ROW:
        return [], [element]  # type: ignore[list-item]
    row = []
    if isinstance(domain, OneHot):
        row = [words.less_equal(words.abs(words.sum(x) - 1.0), domain.tolerance)]
    return [element], row  # type: ignore[list-item]


def _numbers(outputs: Sequence[Node], scales: Sequence[Node]) -> tuple[Node, ...]:
    """The numbers computed from parameters alone that arrays meet."""
    found = {id(node): node for node in scales if node.axes == NUMBER and node.op != "constant"}
    for node in walk(outputs):
        if node.axes != NUMBER:
            for arg in node.args:
                if arg.axes == NUMBER and arg.op != "constant":
                    found[id(arg)] = arg
    return tuple(found.values())


# --- loops, and what lies in memory when each begins ------------------------------------------------------------------


def _stages(
    plan: Arranged, stores: dict[int, str], inputs: Sequence[Input], target: Target, *, factors: bool
) -> tuple[Stage, ...]:
    kept: dict[int, Kept] = {}
    stages = []
    for numbers, draft in zip(plan.numbers, plan.loops, strict=True):
        before = tuple(kept.values())
        found = tuple(_number(node, kept, inputs) for node in numbers if not node.is_bool)
        loops = []
        for one in draft.passes(target):
            loops.append(_loop(one, kept, stores, inputs, target, factors=factors))
            if one.fills_slopes:  # What stood in its place stands there no longer.
                kept = {key: value for key, value in kept.items() if value.store != SLOPES}
            kept |= {id(node): Kept(node, stores[id(node)]) for node in one.keeps}
        stages.append(Stage(before, found, tuple(loops)))
    return tuple(stages)


def _number(node: Node, kept: Container[int], inputs: Sequence[Input]) -> Number:
    return Number(node, body(node.args[:1], kept, inputs) if node.op in ("take", "first") else None)


def _loop(
    draft: Draft,
    kept: dict[int, Kept],
    stores: dict[int, str],
    inputs: Sequence[Input],
    target: Target,
    *,
    factors: bool,
) -> Loop:
    def write(node: Node, store: str, scale: tuple[tuple[str, Node], ...] | None = None) -> Write:
        value = elsewhere(node, kept) if target.apart else node
        return Write(node, value, store, is_slope=scale is not None, scale=scale or ())

    writes = [write(node, stores[id(node)]) for node in draft.keeps]
    writes += [] if draft.result is None else [write(draft.result, RESULTS)]
    writes += [] if draft.curve is None else [write(draft.curve, CURVES)]
    # Last, as values that the others read may lie where it is written.
    last_first = sorted(draft.slopes, key=lambda slope: slope.store, reverse=True)
    writes += [write(slope.node, slope.store, slope.scale if factors else None) for slope in last_first]
    reductions = [Reduction(node, _array(node, kept, inputs) if target.sums else "") for node in draft.reductions]
    roots = [*(w.value for w in writes), *(r.of for r in reductions if not r.array), *draft.checks]
    return Loop(
        kept=tuple(kept.values()),
        body=body(roots, kept, inputs),
        reductions=tuple(reductions),
        writes=tuple(writes),
        places=_places([write for write in writes if write.value is not write.node], kept, inputs),
        checks=tuple(draft.checks),
    )


def _places(writes: Sequence[Write], kept: Container[int], inputs: Sequence[Input]) -> tuple[Place, ...]:
    """The places at which the loop writes something else than elsewhere.

    Without them every element would be compared with the place of the label and that of the largest.
    """
    return tuple(
        Place(index, body([there(write.node, kept, index) for write in writes], kept, inputs), tuple(writes))
        for index in places([write.node for write in writes])
    )


def _array(node: Node, kept: dict[int, Kept], inputs: Sequence[Input]) -> str:
    """The array whose plain sum the node is, or nothing."""
    if node.op not in ("sum", "mean", "total"):
        return ""
    of = node.args[0]
    read = next((each.name for each in inputs if each.node is of), "")
    return read or (kept[id(of)].store if id(of) in kept else "")


def body(roots: Sequence[Node], kept: Container[int], inputs: Sequence[Input]) -> Body:
    """What must be read and computed of an element for some nodes, where those that are kept lie in memory."""
    order = _reach(roots, kept)
    needed = {id(node) for node in order}
    loads = tuple(each for each in inputs if id(each.node) in needed)
    return Body(loads, tuple(node for node in order if node.op != "input"), tuple(roots))


def _reach(roots: Sequence[Node], kept: Container[int]) -> list[Node]:
    """The element nodes that must be computed here, operands first."""
    order: list[Node] = []
    seen: set[int] = set()

    def visit(node: Node) -> None:
        if id(node) in seen or id(node) in kept or node.axes != ELEMENT:
            return
        seen.add(id(node))
        for arg in node.args:
            visit(arg)
        order.append(node)

    for root in roots:
        visit(root)
    return order
