"""Measures everything and writes ``docs/benchmarks.json``, ``.md`` and ``.png``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import contenders, measure, report, startup
from lossary.kernels import threads

POINTWISE = ((32, 10), (4096, 64), (65536, 64))
ROWS = ((8192, 1000), (65536, 10), (1024, 32000))
DOCS = Path(__file__).resolve().parent.parent / "docs"


def shapes(case: contenders.Case) -> tuple[tuple[int, int], ...]:
    """Where a loss is measured: softmax cross-entropy also on long and on short rows."""
    softmax = "categorical_crossentropy" in case.name and bool(case.parameters)
    if not softmax:
        return POINTWISE
    return (*POINTWISE, *ROWS)


def one(case: contenders.Case, shape: tuple[int, int], options: argparse.Namespace) -> dict[str, Any]:
    """One loss at one shape: seconds of everyone, and whether they agree on the value."""
    y_true, y_pred = contenders.inputs(case, shape)
    runs: dict[str, Any] = {"stream": measure.stream(y_true, y_pred)}
    # torch.compile takes tens of seconds to get ready, so it stands beside the largest shapes only.
    compiled = options.compile and shape in ((65536, 64), (8192, 1000))
    runs |= contenders.contenders(case, y_true, y_pred, compiled=compiled)
    ours = runs["lossary numpy"]()
    values = {name: run() for name, run in runs.items() if name != "stream"}
    for name, value in values.items():
        if abs(value - ours) > 1e-3 * max(abs(ours), 1e-3):
            raise AssertionError(f"{case.label} at {shape}: {name} gives {value}, lossary {ours}")
    seconds = measure.interleaved(runs, rounds=options.rounds, budget=options.budget)
    return {"loss": case.label, "shape": list(shape), "seconds": seconds}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no torch.compile, print only")
    parser.add_argument("--only", default="", help="losses whose name contains this")
    parser.add_argument("--shape", default="", help="shapes, such as 65536x64,32x10")
    parser.add_argument("--budget", type=float, default=3.0, help="seconds of measuring per loss and shape")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of the three files")
    options = parser.parse_args()
    options.compile = not options.quick
    options.rounds = 15 if options.quick else 60
    chosen = tuple(filter(None, options.shape.split(",")))
    facts = {} if options.quick else report.machine(threads.count()) | {"first use": startup.measure()}
    results = []
    for case in contenders.CASES:
        for shape in sorted(shapes(case), key=lambda shape: -shape[0] * shape[1]):
            if options.only in case.label and (not chosen or f"{shape[0]}x{shape[1]}" in chosen):
                results.append(one(case, shape, options))
                print(_line(results[-1]), flush=True)
                if not options.quick:
                    report.write(options.out, results, facts)


def _line(result: dict[str, Any]) -> str:
    times = "  ".join(f"{name} {t['min'] * 1e3:.3g}" for name, t in result["seconds"].items())
    ratio = report.ratios(result)
    return (
        f"{result['loss']:42} {result['shape'][0]:>6}x{result['shape'][1]:<6} {ratio['limit']:5.0%} of limit, "
        f"{ratio['numpy']:.1f}x on NumPy, {ratio['torch']:.1f}x on torch | {times}"
    )


if __name__ == "__main__":
    main()
