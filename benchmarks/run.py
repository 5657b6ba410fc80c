"""Measures everything and writes ``docs/benchmarks.json``, ``.md`` and ``.png``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from benchmarks import measure, memory, picture, report, stacks
from benchmarks.cases import CASES, Case, Shape
from lossary.kernels.cpu import threads

DOCS = Path(__file__).resolve().parent.parent / "docs"
FIRST = Case("log_cosh")
MEMORY = (Case("log_cosh"), Case("categorical_crossentropy", from_logits=True))
LARGE: Shape = (262144, 64)


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    options = _options(arguments)
    chosen = tuple(filter(None, options.shape.split(",")))
    start = time.perf_counter()
    data: dict[str, Any] = {"machine": report.machine(threads.count()), "results": []}
    if not options.quick:
        data |= _once(options.stacks)
    with measure.staffed(options.stacks) as workers:
        for case in CASES:
            shapes = [s for s in case.shapes if not chosen or f"{s[0]}x{s[1]}" in chosen]
            for shape in shapes if options.only in case.label else ():
                found = measure.one(workers, case, shape, compiled=not options.quick, budget=options.budget)
                data["results"].append(found)
                data["machine"]["seconds of measuring"] = time.perf_counter() - start
                print(report.line(found), flush=True)
            if options.out and data["results"]:
                report.write(options.out, data)  # A run that is broken off leaves what it has.
    if options.out and data["results"]:
        picture.draw(options.out / "benchmarks.png", data["results"])


def _once(names: tuple[str, ...]) -> dict[str, Any]:
    """What does not depend on the loss: imports, first calls, memory."""
    shapes = (((32, 10), False), ((65536, 64), True))
    print("imports and first calls ...", flush=True)
    first = measure.first_calls(names, FIRST, shapes, compiled=True)
    found: dict[str, Any] = {"import": measure.import_seconds(), "first": first, "memory": {}}
    for case in MEMORY if memory.available() else ():
        print(f"memory of {case.label} ...", flush=True)
        with measure.staffed(names) as workers:
            answers = measure.together(workers, "memory", case, LARGE, True)
        found["memory"][case.label] = {n: size for answer in answers if _tells(answer) for n, size in answer.items()}
    return found


def _tells(sizes: dict[str, float]) -> bool:
    """Whether a framework gave back what earlier calls took: otherwise a call seems to take less than its gradient."""
    return min(sizes.values()) > 0.99


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short, without torch.compile, and no files")
    parser.add_argument("--only", default="", help="losses whose name contains this")
    parser.add_argument("--shape", default="", help="shapes, such as 65536x64,32x10")
    parser.add_argument("--budget", type=float, default=None, help="seconds of measuring per loss and shape")
    parser.add_argument("--out", type=Path, default=None, help="folder of the three files; docs unless --quick")
    parser.add_argument("--stacks", default=",".join(stacks.NAMES), help="frameworks, such as numpy,torch")
    options = parser.parse_args(arguments)
    options.stacks = tuple(filter(None, options.stacks.split(",")))
    if unknown := set(options.stacks) - set(stacks.NAMES):
        parser.error(f"no framework is called {', '.join(sorted(unknown))}; there are {', '.join(stacks.NAMES)}")
    options.budget = options.budget or (0.5 if options.quick else 1.5)
    options.out = options.out or (None if options.quick else DOCS)
    return options
