"""Measures again what is stored in ``docs/benchmarks.json`` and fails where lossary lost speed beside its peers.

Seconds depend on the machine; how many times the seconds of ours the fastest peer takes depends on it far less.  What
seems slower is measured once more, for longer, before that is said.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import measure, stacks
from benchmarks.cases import CASES, Case, Shape
from benchmarks.compare import OURS, Result, fastest, ratio
from benchmarks.run import DOCS

# As many times the seconds beside the same peers count as a loss of speed, and what is slower is measured longer by.
SLOWER, LONGER = 4 / 3, 4
# Measures a loss at a shape, with so many times the usual seconds.
Measure = Callable[[Case, Shape, int], Result]


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    options = _options(arguments)
    stored = json.loads(options.stored.read_text())["results"]
    with measure.staffed(options.stacks) as workers:

        def again(case: Case, shape: Shape, longer: int) -> Result:
            return measure.one(workers, case, shape, compiled=False, budget=options.budget * longer)

        found = list(complaints(_chosen(stored, options), again))
    if found:
        sys.exit("\n".join(["lossary lost speed beside its peers:", *found]))


def complaints(stored: Sequence[Result], again: Measure) -> Iterator[str]:
    """What is slower than stored, a line each."""
    cases = {case.label: case for case in CASES}
    for before in stored:
        case, (rows, columns) = cases[before["loss"]], before["shape"]
        now = again(case, (rows, columns), 1)
        if slower(before, now):
            now = again(case, (rows, columns), LONGER)
        for framework in slower(before, now):
            yield _line(before, now, framework)


def slower(before: Result, now: Result) -> list[str]:
    """The frameworks in which ours lost speed beside the fastest of the peers that were measured both times."""
    one, other = shared(before, now), shared(now, before)
    found = []
    for framework in OURS:
        was, is_now = ratio(one, framework), ratio(other, framework)
        if was is not None and is_now is not None and is_now * SLOWER < was:
            found.append(framework)
    return found


def shared(result: Result, other: Result) -> Result:
    """A result without those who are missing in the other."""
    return {**result, "seconds": {name: s for name, s in result["seconds"].items() if name in other["seconds"]}}


def _line(before: Result, now: Result, framework: str) -> str:
    one, other = shared(before, now), shared(now, before)
    peer = fastest(other, framework)
    assert peer is not None
    rows, columns = before["shape"]
    return (
        f"{before['loss']} at {rows} x {columns} on {framework}: {ratio(other, framework):.2g} times as fast as "
        f"{peer[0]}, where {ratio(one, framework):.2g} is stored"
    )


def _chosen(stored: Sequence[Result], options: argparse.Namespace) -> list[Result]:
    shapes = tuple(filter(None, options.shape.split(",")))
    return [
        each
        for each in stored
        if options.only in each["loss"] and (not shapes or "x".join(map(str, each["shape"])) in shapes)
    ]


def _options(arguments: list[str] | None) -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description=__doc__)
    parser.add_argument("--only", default="", help="losses whose name contains this")
    parser.add_argument("--shape", default="", help="shapes, such as 65536x64,32x10")
    parser.add_argument("--budget", type=float, default=0.5, help="seconds of measuring per loss and shape")
    parser.add_argument("--stored", type=Path, default=DOCS / "benchmarks.json", help="what to compare with")
    parser.add_argument("--stacks", default=",".join(stacks.NAMES), help="frameworks, such as numpy,torch")
    options = parser.parse_args(arguments)
    options.stacks = tuple(filter(None, options.stacks.split(",")))
    if unknown := set(options.stacks) - set(stacks.NAMES):
        parser.error(f"no framework is called {', '.join(sorted(unknown))}; there are {', '.join(stacks.NAMES)}")
    return options


# Workers import this module too, when they start.
if __name__ == "__main__":
    main()
