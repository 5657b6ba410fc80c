"""The results as bars: per framework ours beside its fastest peer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.compare import OURS, fastest, ratio, seconds, verdict

_SHAPES = ([65536, 64], [8192, 1000], [1024, 32000])
_FASTER, _SLOWER, _PEER = "#1f77b4", "#d62728", "#b0b0b0"


def draw(path: Path, results: Sequence[dict[str, Any]]) -> None:
    """One panel per framework; the largest pointwise shape, then the long rows."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    chosen = [r for shape in _SHAPES for r in results if r["shape"] == shape] or list(results)
    frameworks = [name for name in OURS if any(OURS[name] in r["seconds"] for r in chosen)]
    figure, panels = plt.subplots(
        1, len(frameworks), figsize=(3 + 3.4 * len(frameworks), 1.6 + 0.42 * len(chosen)), sharey=True, sharex=True,
        layout="constrained", squeeze=False,
    )  # fmt: skip
    for axes, framework in zip(panels[0], frameworks, strict=True):
        _panel(axes, chosen, framework)
    labels = [r["loss"].replace("categorical", "categ.") + _suffix(r["shape"]) for r in chosen]
    panels[0][0].set_yticks(range(len(chosen)), labels, fontsize=9)
    panels[0][0].invert_yaxis()
    figure.legend(
        handles=[
            mpl.patches.Patch(color=_FASTER, label="lossary, as fast as the fastest peer or faster"),
            mpl.patches.Patch(color=_SLOWER, label="lossary, slower than the fastest peer"),
            mpl.patches.Patch(color=_PEER, label="the fastest peer, named beside its bar"),
            mpl.lines.Line2D([], [], color="black", marker="|", markersize=10, linestyle="", label="streaming limit"),
        ],
        loc="outside upper center", ncols=4, fontsize=9, frameon=False,
    )  # fmt: skip
    figure.supxlabel("milliseconds for value and gradient (shorter is better)", fontsize=10)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _suffix(shape: Sequence[int]) -> str:
    return "" if list(shape) == _SHAPES[0] else f"\n{shape[0]} x {shape[1]}"


def _panel(axes: Any, results: Sequence[dict[str, Any]], framework: str) -> None:
    for place, result in enumerate(results):
        times, peer, times_faster = seconds(result), fastest(result, framework), ratio(result, framework)
        ours = times.get(OURS[framework])
        if ours is not None:
            color = _SLOWER if times_faster is not None and verdict(times_faster) < 0 else _FASTER
            axes.barh(place - 0.19, ours * 1e3, 0.36, color=color)
        if peer is not None:
            axes.barh(place + 0.19, peer[1] * 1e3, 0.36, color=_PEER)
            axes.text(peer[1] * 1.05e3, place + 0.19, peer[0], fontsize=7, va="center", color="#404040")
        if "stream" in times:
            axes.plot([times["stream"] * 1e3] * 2, [place - 0.38, place + 0.38], color="black", linewidth=1.2)
    axes.set_title(framework, fontsize=11)
    axes.set_xscale("log")
    axes.grid(axis="x", color="#e0e0e0", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    low, high = axes.get_xlim()
    axes.set_xlim(low, high * 1.6)
