"""The results as JSON, as a Markdown table and as a picture."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

OURS = ("lossary numpy", "lossary torch", "lossary jax")
PACKAGES = ("numpy", "numba", "torch", "jax", "optax", "keras", "scikit-learn")


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


def write(folder: Path, results: Sequence[dict[str, Any]], facts: dict[str, Any]) -> None:
    """All three files."""
    folder.mkdir(exist_ok=True)
    data = {"machine": facts, "results": list(results)}
    (folder / "benchmarks.json").write_text(json.dumps(data, indent=1) + "\n")
    (folder / "benchmarks.md").write_text(markdown(results, facts))
    picture(folder / "benchmarks.png", results)


def markdown(results: Sequence[dict[str, Any]], facts: dict[str, Any]) -> str:
    """One table per shape: milliseconds, and how our best compares."""
    packages = ", ".join(f"{name} {number}" for name, number in facts["packages"].items())
    lines = [
        "# Benchmarks",
        "",
        f"Value and gradient of the mean loss in float32: milliseconds, least of interleaved rounds, on "
        f"{facts['processor']} with {facts['threads']} threads ({packages}). "
        f"Load of the machine when started: {facts['load when started']:.1f}.",
        "`stream` reads the inputs once and writes a gradient into pages that are there already. "
        "`of limit` is stream divided by lossary on NumPy; `beside` is the fastest peer divided by lossary, on NumPy "
        "and on PyTorch (there against PyTorch's peers alone). Made by `python -m benchmarks`.",
    ]
    first_use = "; ".join(f"{name} {value:.3g}" for name, value in facts["first use"].items())
    lines += ["", f"First use: {first_use}."]
    for shape in dict.fromkeys(tuple(result["shape"]) for result in results):
        chosen = [result for result in results if tuple(result["shape"]) == shape]
        columns = list(dict.fromkeys(name for result in chosen for name in result["seconds"]))
        lines += ["", f"## {shape[0]} x {shape[1]}", ""]
        lines.append("| loss | " + " | ".join([*columns, "of limit", "beside, NumPy", "beside, torch"]) + " |")
        lines.append("|---" * (len(columns) + 4) + "|")
        lines += [_row(result, columns) for result in chosen]
    return "\n".join(lines) + "\n"


def _row(result: dict[str, Any], columns: Sequence[str]) -> str:
    seconds = {name: times["min"] for name, times in result["seconds"].items()}
    cells = [f"{seconds[name] * 1e3:.3g}" if name in seconds else "" for name in columns]
    ratio = ratios(result)
    cells += [f"{ratio['limit']:.0%}", f"{ratio['numpy']:.1f}x", f"{ratio['torch']:.1f}x"]
    return f"| {result['loss']} | " + " | ".join(cells) + " |"


def ratios(result: dict[str, Any]) -> dict[str, float]:
    """Share of the streaming limit, and the fastest peer over us."""
    seconds = {name: times["min"] for name, times in result["seconds"].items()}
    peers = {name: s for name, s in seconds.items() if name not in OURS and name != "stream"}
    in_torch = [s for name, s in peers.items() if name.startswith("torch")]
    return {
        "limit": seconds["stream"] / seconds["lossary numpy"],
        "numpy": min(peers.values(), default=float("nan")) / seconds["lossary numpy"],
        "torch": min(in_torch, default=float("nan")) / seconds["lossary torch"],
    }


def picture(path: Path, results: Sequence[dict[str, Any]]) -> None:
    """Bars of the largest pointwise shape, and of the row shapes."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    chosen = [r for r in results if r["shape"] == [65536, 64]] or list(results)
    chosen += [r for r in results if r["shape"] in ([8192, 1000], [1024, 32000])]
    names = list(dict.fromkeys(name for result in chosen for name in result["seconds"]))
    figure, axes = plt.subplots(figsize=(9, 0.55 * len(chosen) + 1.5), layout="constrained")
    height = 0.8 / len(names)
    for place, name in enumerate(names):
        rows = [i for i, result in enumerate(chosen) if name in result["seconds"]]
        widths = [chosen[i]["seconds"][name]["min"] * 1e3 for i in rows]
        color = {"stream": "black"}.get(name, f"C{place}" if name in OURS else str(min(0.85, 0.4 + 0.06 * place)))
        axes.barh([i + place * height for i in rows], widths, height, label=name, color=color)
    labels = [f"{r['loss']}\n{r['shape'][0]} x {r['shape'][1]}" for r in chosen]
    axes.set_yticks([i + 0.4 for i in range(len(chosen))], labels, fontsize=7)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds for value and gradient (shorter is better)")
    axes.legend(fontsize=7)
    figure.savefig(path, dpi=150)
    plt.close(figure)
