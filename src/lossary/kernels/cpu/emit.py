"""The source of a kernel: Python that `kernels.compiler` compiles, one function per loss and use."""

from __future__ import annotations

from dataclasses import dataclass

from ...graph import Node
from ...graph.program import Program
from ..lowering.form import RESULTS, Body, Loop, Lowered, Number, Stage, Write
from ..lowering.lower import ByTargets, body, by_targets, curvature, lower
from . import narrow
from .arguments import Argument, argument, arguments, written
from .spell import (
    REDUCE,
    Names,
    Text,
    definitions,
    indent,
    loads,
    local,
    neutrals,
    of_points,
    over_columns,
    parameters,
)
from .target import CHUNK, Use


@dataclass(frozen=True)
class Source:
    """A kernel as text, and what it takes: arrays and numbers in order, and constants by name.

    ``numbers`` are the nodes of the last arguments, which are computed from parameters alone.
    """

    name: str
    text: str
    arguments: tuple[Argument, ...]
    numbers: tuple[Node, ...]
    constants: dict[str, float]

    def takes(self, name: str) -> bool:
        """Whether there is an argument of this name."""
        return any(each.name == name for each in self.arguments)


def source(program: Program, use: Use) -> Source:
    """The kernel of a program for one use."""
    form, other = _form(program, use)
    known = parameters(form.numbers)
    index = narrow.NUMBER if use.narrow else ""
    known |= of_points(form.inputs, index)
    if use.narrow:
        lines = narrow.body(form, Names(known, narrow.ELEMENT, narrow.NUMBER), use=use)
    else:
        lines = _Printer(form, use, Names(known), other).lines()
    taken = arguments(form, use)
    name = f"{form.name}_{use.name}"
    head = f"def {name}({', '.join(each.name for each in taken)}):"
    text = "\n".join([head, *indent(lines), ""])
    return Source(name, text, taken, form.numbers, neutrals(form.inputs) if use.mask else {})


def _form(program: Program, use: Use) -> tuple[Lowered, ByTargets | None]:
    """The form of a kernel, and whether it has another for targets that are all 0 or 1."""
    if use.curvature:
        return curvature(program, use.target, rows=use.rows, turned=use.turned), None
    # A value that is not added up must not depend, in its last digit, on what stands beside it.
    found = None if use.rows or use.points else by_targets(program, use.target, gradient=use.gradient)
    if found is not None:
        return found.soft, found
    return lower(program, use.target, gradient=use.gradient, rows=use.rows, points=use.points), None


class _Printer:
    """Prints one kernel for long rows, or for elements without rows."""

    def __init__(self, form: Lowered, use: Use, names: Names, by_targets: ByTargets | None = None) -> None:
        self.form, self.use, self.names, self.by_targets = form, use, names, by_targets

    def lines(self) -> list[str]:
        """The lines of the function."""
        return self._rows() if self.use.rows else self._chunks()

    def _chunks(self) -> list[str]:
        """Elements without rows, so many at a time."""
        use = self.use
        work = [f"start = i * {CHUNK}", f"columns = min({CHUNK}, {argument(self.form.main)}.size - start)"]
        arrays = {local(each.name)[0]: argument(each) for each in self.form.inputs}
        arrays |= written(self.form, use)
        arrays |= {RESULTS: "values"} if use.points and not use.curvature else {}
        arrays |= {"weights": "factors"} if use.points and use.gradient else {}
        work += [f"{name} = beginning({array}, start)" for name, array in arrays.items()]
        work += ["kept_in = beginning(mask, start)"] if use.mask else []
        work += self._by_targets(self.by_targets) if self.by_targets else self._stages()
        stores = dict.fromkeys((*self.form.stores, *(self.by_targets.hard.stores if self.by_targets else ())))
        kept = [f"{store} = chunk(ZERO)" for store in stores]
        return ["faults = NONE", *kept, "for i in range(first, last):", *indent(work), "return faults"]

    def _stages(self) -> list[str]:
        """The stages of a chunk."""
        form, use, names = self.form, self.use, self.names
        lines: list[str] = []
        for stage in form.stages:
            for number in stage.numbers:
                text = Text(names).expression(number.node)
                lines.append(f"{names.result(number.node)} = {text}")
            for loop in stage.loops:
                lines += self._loop(loop)
        return lines if use.points else [*lines, f"totals[i] = {Text(names).of(form.value)}"]

    def _by_targets(self, given: ByTargets) -> list[str]:
        """The stages for targets that are all 0 or 1, or for others: one chunk at a time, looked at first."""
        scope = self.names.inner()
        looked = body([given.is_hard, *given.checks], {}, self.form.inputs)
        lines, text = [*loads(looked, scope), *definitions(looked, scope)], Text(scope)
        lines += [f"faults = faulty(faults, {text.of(node)})" for node in given.checks]
        lines.append(f"soft = faulty(soft, {text.of(given.is_hard)})")
        self.names.count = scope.count
        soft = self._stages()
        hard = _Printer(given.hard, self.use, self.names.inner())._stages()
        return ["soft = NONE", *over_columns(lines), "if soft:", *indent(soft), "else:", *indent(hard)]

    def _rows(self) -> list[str]:
        """Rows, a few at a time.

        Each loop goes over all of them before the next begins: what one row waits for, another computes, and the
        numbers of the rows fill vectors.
        """
        form, use, names = self.form, self.use, self.names
        label = next((argument(each) for each in form.inputs if each.is_label), "")
        work = self._each_row([f"faults = faulty(faults, {names.use('label')} >= 0)"]) if label else []
        for stage in form.stages:
            work += self._numbers(stage)
            for loop in stage.loops:
                work += self._each_row(self._loop(loop))
        text = Text(names)
        last = [f"faults = faulty(faults, {text.of(node)})" for node in form.checks]
        last += [f"results[k] = {text.of(node)}" for node in form.results]
        work += self._each_row(last)
        if use.mask:
            zero = ["values[i] = ZERO"]
            zero += over_columns([f"{array}[i, j] = ZERO" for array in written(form, use).values()])
            work += ["for i in range(start, start + size):", *indent(["if not mask[i]:", *indent(zero)])]
        lines = ["faults = NONE", f"columns = {argument(form.main)}.shape[1]", "count = F(columns)"]
        lines.append("most = rows_at_once(columns)")
        lines += [f"{store}_rows = empty((most, columns), F)" for store in form.stores]
        lines += [f"{name}_rows = lanes({like})" for name, like in names.made.items()]
        ahead = {} if use.curvature else {"results": "values"}
        ahead |= {"weights": "factors"} if use.gradient else {}
        ahead |= {"labels": label} if label else {}
        ahead |= {local(each.name)[0]: argument(each) for each in form.inputs if each.is_number}
        first = [f"{name} = beginning({array}, start)" for name, array in ahead.items()]
        work = ["size = min(most, last - start)", *first, *work]
        return [*lines, "for start in range(first, last, most):", *indent(work), "return faults"]

    def _each_row(self, lines: list[str]) -> list[str]:
        """The lines for every row of a few, after what they need of it."""
        read, found = self.names.asked()
        inputs, numbers = self.form.inputs, [each for each in self.form.inputs if each.is_number]
        of_row = {local(each.name)[0]: f"row({argument(each)}, i)" for each in inputs if each not in numbers}
        of_row |= {store: f"row({array}, i)" for store, array in written(self.form, self.use).items()}
        views = {"label": "place(labels[k], columns)", **of_row, "factor": "weights[k]"}
        views |= {local(each.name)[1]: f"{local(each.name)[0]}[k]" for each in numbers}
        views |= {store: f"row({store}_rows, k)" for store in self.form.stores}
        used = [f"{name} = {view}" for name, view in views.items() if name in read]
        used += [f"{name} = {name}_rows[k]" for name in read if name in self.names.made and name not in found]
        results = [f"{name}_rows[k] = {name}" for name in found]
        skip = ["if not mask[i]:", "    continue"] if self.use.mask else []
        index = ["i = start + k"] if skip or not of_row.keys().isdisjoint(read) else []
        return ["for k in range(size):", *indent([*index, *skip, *used, *lines, *results])] if lines else []

    # --- numbers of the row, between two loops -------------------------------------------------------------------

    def _numbers(self, stage: Stage) -> list[str]:
        lines: list[str] = []
        plain: list[str] = []
        for number in stage.numbers:
            if number.body is None:
                text = Text(self.names).expression(number.node)
                plain.append(f"{self.names.result(number.node)} = {text}")
            else:
                lines += self._each_row(plain)
                plain = []
                found = self._taken if number.node.op == "take" else self._searched
                lines += self._each_row(found(number, number.body, self.names.inner(stage.kept)))
        return lines + self._each_row(plain)

    def _taken(self, number: Number, body: Body, scope: Names) -> list[str]:
        """The element at one place, computed once more for that place alone."""
        index = Text(self.names).of(number.node.args[1])
        lines = [f"j = {index}", *loads(body, scope), *definitions(body, scope)]
        self.names.count = scope.count
        text = Text(scope).of(number.node.args[0])
        name = self.names.result(number.node)
        return [f"{name} = UNDEFINED", f"if 0 <= {index} < columns:", *indent([*lines, f"{name} = {text}"])]

    def _searched(self, number: Number, body: Body, scope: Names) -> list[str]:
        """The first place in the row of a number."""
        lines = [*loads(body, scope), *definitions(body, scope)]
        text = Text(scope)
        test = f"equal({text.of(number.node.args[0])}, {text.of(number.node.args[1])})"
        found = self.names.fresh("s")
        search = over_columns([*lines, f"{found} = earlier({found}, j, {test})"])
        return [f"{found} = NOWHERE", *search, f"{self.names.result(number.node, like='NOWHERE')} = {found}"]

    # --- loops over the row --------------------------------------------------------------------------------------

    def _loop(self, loop: Loop) -> list[str]:
        """One loop, with the places of the row that differ from all others computed before it and written after it."""
        names = self.names
        before, after = self._places(loop)
        scope = names.inner(loop.kept)
        lines = [*loads(loop.body, scope, masked=self.use.points and self.use.mask), *definitions(loop.body, scope)]
        text = Text(scope)
        starts, results = [], []
        for reduction in loop.reductions:
            start, step, result = REDUCE[reduction.node.op]
            if not reduction.array:
                total = names.fresh("s")
                starts.append(f"{total} = {start}")
                lines.append(f"{total} = {step.format(total=total, x=text.of(reduction.of))}")
                results.append(f"{names.result(reduction.node)} = {result.format(total=total)}")
        lines += [f"{self._at(write)} = {self._stored(write, text, write.value)}" for write in loop.writes]
        lines += [f"faults = faulty(faults, {text.of(node)})" for node in loop.checks]
        for reduction in loop.reductions:
            if reduction.array:
                read = {each.name: local(each.name)[0] for each in self.form.inputs}
                array = names.use(read.get(reduction.array, reduction.array))
                total = REDUCE[reduction.node.op][2].format(total=f"row_sum({array}, columns)")
                results.append(f"{names.result(reduction.node)} = {total}")
        return [*before, *starts, *over_columns(lines), *after, *results]

    def _at(self, write: Write, place: str = "j") -> str:
        """Where the loop writes."""
        return f"{self.names.use(write.store)}[{place}]"

    def _stored(self, write: Write, text: Text, value: Node) -> str:
        """What the loop writes."""
        if write.is_slope:
            given = "weights[j]" if self.use.points else self.names.use("factor")
            factor = " ".join([given, *(f"{sign} {text.of(number)}" for sign, number in write.scale)])
            return f"({factor}) * {text.of(value)}"
        masked = write.store == RESULTS and self.use.mask
        return f"where(kept_in[j], {text.of(value)}, ZERO)" if masked else text.of(value)

    def _places(self, loop: Loop) -> tuple[list[str], list[str]]:
        """The lines that compute what the loop writes at single places, and those that write it."""
        before, after = [], []
        for place in loop.places:
            index = Text(self.names).of(place.index)
            test = f"if 0 <= {index} < columns:"
            scope = self.names.inner(loop.kept)
            lines = [f"j = {index}", *loads(place.body, scope), *definitions(place.body, scope)]
            self.names.count = scope.count
            text = Text(scope)
            writes = []
            for write, value in zip(place.writes, place.body.results, strict=True):
                name = self.names.fresh("e")
                before.append(f"{name} = ZERO")
                lines.append(f"{name} = {self._stored(write, text, value)}")
                writes.append(f"{self._at(write, index)} = {name}")
            before += [test, *indent(lines)]
            after += [test, *indent(writes)]
        return before, after
