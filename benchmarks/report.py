"""The results as JSON and as Markdown."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.compare import OURS, PEERS, Result, fastest, limit, ratio, seconds, verdict

PACKAGES = ("numpy", "llvmlite", "torch", "jax", "tensorflow-cpu", "optax", "keras", "scikit-learn")
COLUMNS = (
    "stream", "lossary numpy", "sklearn", "lossary torch", "lossary torch.compile", *PEERS["PyTorch"],
    "lossary jax", *PEERS["JAX"], "lossary tf", "lossary tf xla", *PEERS["TensorFlow"],
)  # fmt: skip


def machine(threads: int) -> dict[str, Any]:
    """What the figures were measured on."""
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "load when started": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "threads": threads,
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def write(folder: Path, data: dict[str, Any]) -> None:
    """The figures and the page."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.json").write_text(json.dumps(data, indent=1) + "\n")
    (folder / "benchmarks.md").write_text(markdown(data))


def line(result: Result) -> str:
    """One result as a line of a terminal."""
    shares = [f"{name} {_percent(limit(result, name))} {_times(ratio(result, name))}" for name in OURS]
    times = "  ".join(f"{name} {s * 1e3:.3g}" for name, s in seconds(result).items())
    return f"{result['loss']:40} {_shape(result):12} | of limit, beside: {', '.join(shares)} | ms: {times}"


def markdown(data: Mapping[str, Any]) -> str:
    """The page."""
    results = data["results"]
    parts = [_head(data["machine"]), _summary(results)]
    for shape in dict.fromkeys(map(_shape, results)):
        parts += _shape_tables(shape, [result for result in results if _shape(result) == shape])
    parts += _first(data) + _memory(data)
    return "\n\n".join(parts) + "\n"


def _head(facts: Mapping[str, Any]) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in facts["packages"].items())
    return f"""# Benchmarks

Value and gradient of the mean loss in float32 on {facts["processor"]} with {facts["threads"]} threads, Python
{facts["python"]} ({packages}). Load of the machine when started: {facts["load when started"]:.1f}.
All frameworks take turns in one run, each in a process of its own; a time is the least of all rounds.
Made by `make bench`; all figures, medians too, stand in `benchmarks.json`.

`stream` reads the inputs once and writes a gradient into pages that are there already. **of limit** is stream divided
by lossary. **beside** compares lossary with the fastest peer: ▲ 2x means lossary takes half the peer's time, ▼ 0.5x
twice, ≈ the same within five percent. On NumPy the peers are scikit-learn and everyone else's, compiled ones included;
on PyTorch, JAX and TensorFlow those of the framework. JAX is jitted. `tf` is a `tf.function`, `tf xla` one with
`jit_compile=True`; beside the peers stands lossary's `tf xla`. `torch.compile` compiles the best plain expression, once
for all shapes (`dynamic=True`).

On TensorFlow formulas run as they are written: XLA has no public door to kernels made elsewhere. Where lossary is
behind there, its formula takes more steps than Keras's for digits that Keras's loses (`accuracy.md`), most of all in
cosines, which scale every row by a power of two first, and in crossentropies, which in rows of scores look for the
largest and add up the others alone.

PyTorch's expression of sparse crossentropy from probabilities reads one probability of each row; Keras's definition,
and lossary's, divides it by the sum of all.

![The same as bars](benchmarks.png)"""


def _summary(results: Sequence[Result]) -> str:
    """How often lossary is ahead, by shape and framework."""
    rows = []
    for shape in dict.fromkeys(map(_shape, results)):
        cells = []
        for framework in OURS:
            ratios = (ratio(result, framework) for result in results if _shape(result) == shape)
            found = sorted(r for r in ratios if r is not None)
            ahead, even, behind = (sum(verdict(r) == sign for r in found) for sign in (1, 0, -1))
            spread = f"median {statistics.median(found):.2g}x" if found else ""
            ends = f"{_times(found[0])} to {_times(found[-1])}" if found else ""
            cells.append(f"▲ {ahead}, ≈ {even}, ▼ {behind}; {spread}, {ends}" if found else "")
        rows.append([shape, *cells])
    return "## How many losses are faster (▲), the same (≈) and slower (▼) than the fastest peer\n\n" + table(
        ["shape", *OURS], rows
    )


def _shape_tables(shape: str, results: Sequence[Result]) -> list[str]:
    """How we compare, and the milliseconds with the fastest peer of each framework in bold."""
    head = ["loss", *(f"{name}: of limit, beside" for name in OURS)]
    compared = [[result["loss"], *(_compared(result, name) for name in OURS)] for result in results]
    columns = [name for name in COLUMNS if any(name in result["seconds"] for result in results)]
    times = [[result["loss"], *(_milliseconds(result, name) for name in columns)] for result in results]
    return [f"## {shape}", table(head, compared), "Milliseconds; **bold** is the fastest peer of its framework.",
            table(["loss", *columns], times)]  # fmt: skip


def _compared(result: Result, framework: str) -> str:
    share, peer = limit(result, framework), fastest(result, framework)
    beside = "" if peer is None else f", {_times(ratio(result, framework))} {peer[0]}"
    return _percent(share) + beside


def _milliseconds(result: Result, name: str) -> str:
    if name not in result["seconds"]:
        return ""
    text = f"{seconds(result)[name] * 1e3:.3g}"
    leaders = {found[0] for framework in OURS if framework != "NumPy" and (found := fastest(result, framework))}
    return f"**{text}**" if name in leaders or name == "sklearn" else text


def _first(data: Mapping[str, Any]) -> list[str]:
    if "first" not in data:
        return []
    columns = list(dict.fromkeys(column for row in data["first"].values() for column in row))
    rows = [
        [name, *(f"{row[column]:.3g}" if column in row else "" for column in columns)]
        for name in COLUMNS
        if (row := data["first"].get(name))
    ]
    return [
        "## First calls",
        f"Importing the library where NumPy is loaded takes {data['import']:.2f} s. Seconds of the first call of "
        "`log_cosh` in a fresh process of its own, the framework imported and started. The first two columns begin "
        "with empty caches on disk.",
        table(["", *columns], rows),
    ]


def _memory(data: Mapping[str, Any]) -> list[str]:
    if not data.get("memory"):
        return []
    columns = list(data["memory"])
    rows = [[name, *(f"{data['memory'][column][name]:.2f}" for column in columns)]
            for name in COLUMNS if all(name in sizes for sizes in data["memory"].values())]  # fmt: skip
    return [
        "## Memory",
        "The most memory that a warm call takes beyond its inputs at 262144 x 64, as the system counts it, in "
        "multiples of the gradient's 64 MiB: 1.00 is the gradient alone. Frameworks that keep the memory of earlier "
        "calls for later ones, which hides what a call takes, are left out.",
        table(["", *columns], rows),
    ]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of Markdown."""
    head = list(head)
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *map(list, rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _shape(result: Result) -> str:
    return f"{result['shape'][0]} x {result['shape'][1]}"


def _times(value: float | None) -> str:
    return "-" if value is None else f"{'≈▲▼'[verdict(value)]} {value:.2g}x"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
