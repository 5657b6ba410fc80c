"""``python -m benchmarks.cuda``: value and gradient on a GPU beside PyTorch, eager and compiled; writes ``docs/``.

Everyone takes turns in one process.  A time is that of many calls between two waits for the device, so where a loss
is small it is what the host takes to start its kernels.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.cases import CASES, POINTWISE, ROWS, Case, Shape, inputs
from benchmarks.expressions import COMPILED, EAGER, Function
from benchmarks.measure import disagreement
from benchmarks.report import table

DOCS = Path(__file__).resolve().parent.parent / "docs"
Run = Callable[[], Any]
LARGE: Shape = (1 << 20, 64)
# Scores of a language model: for labels alone.
HEAD: Shape = (8192, 32000)
NAMES = ("stream", "lossary", "lossary torch.compile", "torch", "torch.compile")
_ROUNDS, _CALLS = 5, 20


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cuda", description=__doc__)
    parser.add_argument("--only", default="", help="losses whose name contains this")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of the two files")
    options = parser.parse_args()
    chosen = [case for case in CASES if options.only in case.label]
    results: list[dict[str, Any]] = []
    for shape in (*POINTWISE, *ROWS, LARGE, HEAD):
        for case in chosen:
            if shape in (*case.shapes, LARGE) or (
                shape == HEAD and case.name.startswith("sparse") and case.from_logits
            ):
                results.append(_measured(case, shape))
                _write(options.out, results)  # A run that is broken off leaves what it has.
                print(json.dumps(results[-1]), flush=True)


def _measured(case: Case, shape: Shape) -> dict[str, Any]:
    torch.cuda.empty_cache()
    y_true, y_pred = (torch.from_numpy(np.ascontiguousarray(x)).cuda() for x in inputs(case, shape))
    y_pred.requires_grad_()
    runs: dict[str, Run] = {"stream": _stream(y_true, y_pred)}
    functions = {"lossary": case.loss(), "torch": EAGER[case.label]}
    if shape[0] * shape[1] > 1 << 22:  # A compiler for each shape: only where it is worth waiting for.
        functions["lossary torch.compile"] = _compiled(case.loss())
        functions["torch.compile"] = _compiled(COMPILED[case.label])
    runs |= {name: _step(function, y_true, y_pred) for name, function in functions.items()}
    values = {name: float(runs[name]()) for name in functions}
    disagreement(f"{case.label} at {shape[0]} x {shape[1]}", values)
    seconds = {name: _seconds(run) for name, run in runs.items()}
    for _ in range(_ROUNDS - 1):
        seconds = {name: min(seconds[name], _seconds(run)) for name, run in runs.items()}
    memory = {name: _peak(run) / (4 * shape[0] * shape[1]) for name, run in runs.items() if name != "stream"}
    return {"loss": case.label, "shape": list(shape), "seconds": seconds, "memory": memory}


def _compiled(function: Function) -> Function:
    torch.compiler.reset()
    compiled: Function = torch.compile(function, dynamic=False)
    return compiled


def _step(function: Function, y_true: torch.Tensor, y_pred: torch.Tensor) -> Run:
    def run() -> torch.Tensor:
        value = function(y_true, y_pred)
        value.backward()
        y_pred.grad = None
        return value.detach()

    return run


def _stream(y_true: torch.Tensor, y_pred: torch.Tensor) -> Run:
    """Reads the inputs once, integer labels aside, and writes a gradient."""
    gradient, given = torch.empty_like(y_pred), y_pred.detach()
    if y_true.shape != given.shape:
        return lambda: torch.neg(given, out=gradient)
    return lambda: torch.add(given, y_true, out=gradient)


def _seconds(run: Run) -> float:
    for _ in range(2):
        run()
    torch.cuda.synchronize()
    before = time.perf_counter()
    for _ in range(_CALLS):
        run()
    torch.cuda.synchronize()
    return (time.perf_counter() - before) / _CALLS


def _peak(run: Run) -> float:
    """Bytes that a call takes beyond its inputs."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    run()
    return torch.cuda.max_memory_allocated() - before


# --- the page -------------------------------------------------------------------------------------------------------


def _write(folder: Path, results: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    machine = {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "python": platform.python_version()}
    data = {"machine": machine, "results": results}
    (folder / "benchmarks_cuda.json").write_text(json.dumps(data, indent=1) + "\n")
    (folder / "benchmarks_cuda.md").write_text(_page(machine, results))


def _page(machine: dict[str, str], results: list[dict[str, Any]]) -> str:
    parts = [
        f"""# Benchmarks on a GPU

Value and gradient of the mean loss in float32 on {machine["device"]}, PyTorch {machine["torch"]}, Python
{machine["python"]}. Everyone takes turns in one run; a time is the least of {_ROUNDS} rounds of {_CALLS} calls between
two waits for the device. Made by `python -m benchmarks.cuda`.

`lossary` is the plain call, which takes a kernel that Triton compiles; inside `torch.compile` the formula is words of
PyTorch that it fuses. `torch` is PyTorch's own function, `torch.compile` the best plain expression; both are compiled
for their shape, and only where the compiler is worth waiting for. `stream` reads the inputs once and writes a gradient.
**of limit** is stream divided by the plain call."""
    ]
    for shape in dict.fromkeys(tuple(result["shape"]) for result in results):
        rows = [_row(result) for result in results if tuple(result["shape"]) == shape]
        names = [name for name in NAMES if any(name in row for row in rows)]
        columns = ["loss", *names, "of limit", "memory"]
        note = "Microseconds; memory is the most that the plain call takes beyond its inputs, in gradients."
        parts += [f"## {shape[0]} x {shape[1]}", note]
        parts.append(table(columns, [[row.get(column, "") for column in columns] for row in rows]))
    return "\n\n".join(parts) + "\n"


def _row(result: dict[str, Any]) -> dict[str, str]:
    seconds, ours = result["seconds"], "lossary"
    row = {"loss": result["loss"]} | {name: f"{s * 1e6:.0f}" for name, s in seconds.items()}
    return row | {"of limit": f"{seconds['stream'] / seconds[ours]:.0%}", "memory": f"{result['memory'][ours]:.2f}"}


if __name__ == "__main__":
    main()
