"""The source of a kernel in Triton: a block of elements, rows held in registers, or one long row, per program.

Value and gradients come from one pass over the inputs.  An array that is None is left out: ``gradient``, ``gradient1``
and so on (one for each prediction), ``values`` (one number per data point), ``totals`` (one float64 sum per program,
added up in order by ``finish``), ``value`` (the sum divided by ``divisor``, where one program makes all of it),
``factors`` and ``live`` (one entry per data point), ``upstream`` (what gradients are multiplied with).  The outputs of
a row lie ``inner`` elements apart.  Sums are float64: what they are off by is their one rounding to float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ...graph import Node
from ...graph.program import Program
from ..cpu.arguments import argument
from ..lowering.form import SLOPES, Input, Loop, Number, Target
from ..lowering.lower import body, lower
from . import functions
from .spell import REDUCTIONS, Speller, literal, local

# What is computed stays in registers, so only reductions part one loop from the next.
DEVICE = Target(inverts=True)
# How a kernel divides the work: blocks of elements, whole rows, or pieces of a row one after the other.
Shape = Literal["elements", "rows", "long"]
_ROWS = "values, totals, value, factors, live, upstream, rows, columns, inner, divisor"
_ARRAYS = {"elements": "totals, value, upstream, size, columns, divisor", "rows": _ROWS, "long": _ROWS}
_SIZES = {"elements": "", "rows": "ROWS: tl.constexpr, ", "long": ""}
FINISH = '''@triton.jit
def finish(totals, value, size, divisor, BLOCK: tl.constexpr):
    """The sum of what programs have summed, divided; always in the same order."""
    total = tl.zeros((BLOCK,), tl.float64)
    for start in range(0, size, BLOCK):
        at = start + tl.arange(0, BLOCK)
        total += tl.load(totals + at, mask=at < size, other=0.0)
    tl.store(value, (tl.sum(total, axis=0) / tl.cast(divisor, tl.float64)).to(tl.float32))
'''
SCALE = '''@triton.jit
def scale(gradient, upstream, size, BLOCK: tl.constexpr):
    """Multiplies a gradient in place, unless by 1, for which nothing is read."""
    factor = tl.load(upstream).to(tl.float32)
    if factor != 1.0:
        step = tl.num_programs(0).to(tl.int64) * BLOCK
        for start in range(tl.program_id(0).to(tl.int64) * BLOCK, size, step):
            at = start + tl.arange(0, BLOCK)
            slope = tl.load(gradient + at, mask=at < size, other=0.0)
            tl.store(gradient + at, slope * factor, mask=at < size)
'''
_IMPORTS = "import triton\nimport triton.language as tl\n"
_TOTALS = (
    "if totals is not None:",
    "    tl.store(totals + tl.program_id(0), total)",
    "if value is not None:",
    "    tl.store(value, (total / tl.cast(divisor, tl.float64)).to(tl.float32))",
)


@dataclass(frozen=True)
class Source:
    """A kernel as text; ``numbers`` are the nodes of its ``h0, h1, ...``, computed from parameters alone."""

    name: str
    text: str
    numbers: tuple[Node, ...]


def source(program: Program, shape: Shape) -> Source:
    """The kernel that keeps data points apart, or the one that adds up the elements of a separable loss."""
    form = lower(program, DEVICE, gradient=True, rows=shape != "elements")
    name = f"{form.name}_{shape}"
    lines = _WRITERS[shape](Speller(form)).lines()
    numbers = "".join(f", h{place}" for place in range(len(form.numbers)))
    arrays = ", ".join([*map(argument, form.inputs), *map(_gradient, form.slopes), _ARRAYS[shape]])
    arguments = f"{arrays}, factor{numbers}, {_SIZES[shape]}BLOCK: tl.constexpr"
    kernel = "\n".join(["@triton.jit", f"def {name}({arguments}):", *(f"    {line}" for line in lines), ""])
    return Source(name, "\n\n".join([_IMPORTS, functions.source(kernel), kernel]), form.numbers)


def common() -> str:
    """The source of what all kernels share: ``finish`` and ``scale``."""
    return "\n\n".join([_IMPORTS, FINISH, SCALE])


class _Elements:
    """A block of elements that do not see each other."""

    used = "inside"

    def __init__(self, speller: Speller) -> None:
        self.say, self.form = speller, speller.form

    def lines(self) -> list[str]:
        """The body of the kernel."""
        lines = ["at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)", "inside = at < size"]
        lines.append("written = inside")
        lines += [self._load(each) for each in self.form.inputs]
        lines += ["count = tl.cast(columns, tl.float32)", *_upstream()]
        lines += self._stages()
        return [*lines, f"total = {self.say.of(self.form.value)}", *_TOTALS]

    def _stages(self) -> Iterator[str]:
        for stage in self.form.stages:
            for number in stage.numbers:
                yield from self._number(number)
            for loop in stage.loops:
                yield from self._loop(loop)

    def _number(self, number: Number) -> Iterator[str]:
        if number.body is not None:
            yield from self.say.define(number.body.computes)
        yield self.say.named("r", number.node)

    def _loop(self, loop: Loop) -> Iterator[str]:
        wanted = [*(r.of for r in loop.reductions), *(w.value for w in loop.writes)]
        yield from self.say.define(body(wanted, (), self.form.inputs).computes)
        for reduction in loop.reductions:
            yield self.say.named("r", reduction.node)
        yield from self._writes(loop, "at", "written")

    def _writes(self, loop: Loop, at: str, written: str) -> Iterator[str]:
        for write in loop.writes:
            scale = "factor"
            for sign, node in write.scale:
                scale = f"divided({scale}, {self.say.of(node)})" if sign == "/" else f"{scale} * {self.say.of(node)}"
            gradient = _gradient(write.store)
            yield f"if {gradient} is not None:"
            yield f"    slope = tl.where({self.used}, ({scale}) * {self.say.of(write.value)}, 0.0)"
            yield f"    tl.store({gradient} + {at}, slope, mask={written})"

    def _load(self, each: Input, at: str = "at", inside: str = "inside") -> str:
        other, name = literal(each.neutral), self.say.known[id(each.node)]
        return f"{name} = tl.load({argument(each)} + {at}, mask={inside}, other={other}).to(tl.float32)"


class _Rows(_Elements):
    """Some rows at once, in registers."""

    used = "used"
    numbered = "tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]"

    def lines(self) -> list[str]:
        """The body of the kernel."""
        return [
            f"row = {self.numbered}",
            "used = row < rows",
            "base = (row // inner) * columns * inner + row % inner",
            *self._registers(),
            "if live is not None:",
            "    used = used & (tl.load(live + row, mask=used, other=0) != 0)",
            "count = tl.cast(columns, tl.float32)",
            "if factors is not None:",
            "    weight = tl.load(factors + row, mask=used, other=0.0).to(tl.float32)",
            "    factor = weight",
            *_upstream(),
            *self._of_rows(),
            *self._loads(),
            *self._stages(),
            f"one = tl.where(used, {self.say.of(self.form.value)}, 0.0)",
            "weighted = one.to(tl.float64)",
            "if factors is not None:",
            "    one = tl.where(used, one * weight, 0.0)",
            "    weighted = tl.where(used, weighted * weight.to(tl.float64), 0.0)",
            "if values is not None:",
            "    tl.store(values + row, one, mask=row < rows)",
            "total = tl.sum(tl.sum(weighted, axis=1), axis=0)",
            *_TOTALS,
        ]

    def _registers(self) -> list[str]:
        return [
            "cols = tl.arange(0, BLOCK)[None, :]",
            "written = used & (cols < columns)",
            "at = base + cols.to(tl.int64) * inner",
        ]

    def _of_rows(self) -> Iterator[str]:
        """Labels and numbers of data points."""
        for each in self.form.inputs:
            if each.is_label:
                yield f"label = tl.load({argument(each)} + row, mask=used, other=0)"
                yield "label = tl.where((label >= 0) & (label < columns), label, -1).to(tl.int32)"
            elif each.is_number:
                yield self._load(each, "row", "used")

    def _loads(self) -> list[str]:
        arrays = [each for each in self.form.inputs if not (each.is_label or each.is_number)]
        return ["inside = used & (cols < columns)", *(self._load(each) for each in arrays)]


class _Long(_Rows):
    """One row, of which every loop reads a piece after the other and computes what it needs of it anew."""

    numbered = "tl.program_id(0).to(tl.int64) + tl.zeros((1, 1), tl.int64)"

    def __init__(self, speller: Speller) -> None:
        super().__init__(speller)
        numbers = [number.node for stage in self.form.stages for number in stage.numbers]
        # By the largest element of a row, the place where it is met first: found on the same pass.
        self.firsts = {id(node.args[1]): node for node in numbers if node.op == "first"}

    def _registers(self) -> list[str]:
        return ["exists = used"]

    def _loads(self) -> list[str]:
        return []

    def _number(self, number: Number) -> Iterator[str]:
        node = number.node
        if node.op == "take":
            yield from self._taken(node)
        elif id(node) not in self.say.known:
            yield self.say.named("r", node)

    def _loop(self, loop: Loop) -> Iterator[str]:
        """Over the row once: what is written, and what is reduced."""
        reductions = [r.node for r in loop.reductions]
        wanted = [*(node.args[0] for node in reductions), *(w.value for w in loop.writes)]
        if not wanted:
            return

        totals = [self.say.fresh("s") for _ in reductions]
        for total, node in zip(totals, reductions, strict=True):
            yield f"{total} = tl.full((1, BLOCK), {REDUCTIONS[node.op].start})"
            if id(node) in self.firsts:
                yield f"{total}_at = tl.full((1, BLOCK), {REDUCTIONS['first'].start})"
        indent = ""
        if not reductions:
            yield f"if {' or '.join(f'{_gradient(write.store)} is not None' for write in loop.writes)}:"
            indent = "    "
        yield f"{indent}for start in range(0, columns, BLOCK):"
        cols, inside, at = (self.say.fresh(letter) for letter in ("c", "i", "a"))
        with self.say.within(cols, inside):
            body = [f"{cols} = start + tl.arange(0, BLOCK)[None, :]", f"{inside} = used & ({cols} < columns)"]
            body += [f"{at} = base + {cols}.to(tl.int64) * inner", *self._read(wanted, at, inside)]
            for total, node in zip(totals, reductions, strict=True):
                how, args = REDUCTIONS[node.op], [self.say.of(arg) for arg in node.args]
                element = how.element.format(*args, **self.say.names)
                if id(node) in self.firsts:
                    body += [f"key = {element}", f"{total}_at = tl.where(key > {total}, {cols}, {total}_at)"]
                    element = "key"
                body.append(f"{total} = {how.join.format(total, element)}")
            body += self._writes(loop, at, f"exists & ({cols} < columns)")
        yield from (f"{indent}    {line}" for line in body)
        for total, node in zip(totals, reductions, strict=True):
            how, first = REDUCTIONS[node.op], self.firsts.get(id(node))
            whole = how.whole.format(total)
            if first is not None:
                at_most = f"tl.where({total} == {whole}, {total}_at, 2147483647)"
                yield self._result(first, REDUCTIONS["first"].whole.format(at_most))
            yield self._result(node, how.result.format(whole))

    def _taken(self, node: Node) -> Iterator[str]:
        """The element at one place of the row."""
        of, place = node.args
        cols, inside, at, name = (self.say.fresh(letter) for letter in ("c", "i", "a", "r"))
        yield f"{cols} = {self.say.of(place)}"
        yield f"{inside} = used & ({cols} >= 0) & ({cols} < columns)"
        yield f"{at} = base + {cols}.to(tl.int64) * inner"
        with self.say.within(cols, inside):
            yield from self._read([of], at, inside)
            yield f'{name} = tl.where({cols} >= 0, {self.say.of(of)}, float("nan"))'
        self.say.known[id(node)] = name

    def _result(self, node: Node, text: str) -> str:
        name = self.say.fresh("r")
        self.say.known[id(node)] = name
        return f"{name} = {text}"

    def _read(self, wanted: list[Node], at: str, inside: str) -> Iterator[str]:
        """The inputs that some nodes need, and what is computed of them on the way."""
        needed = body(wanted, (), self.form.inputs)
        for each in needed.loads:
            self.say.known[id(each.node)] = self.say.fresh(local(each))
            yield self._load(each, at, inside)
        yield from self.say.define(needed.computes)


_WRITERS = {"elements": _Elements, "rows": _Rows, "long": _Long}


def _gradient(store: str) -> str:
    """The argument that holds the slopes of a prediction."""
    return store.replace(SLOPES, "gradient")


def _upstream() -> list[str]:
    return ["if upstream is not None:", "    factor = factor * tl.load(upstream).to(tl.float32)"]
