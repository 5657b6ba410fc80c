"""Runs the examples of the page that helps to choose a loss, and keeps in ``docs/choose`` what they print and find.

python tools/make_choose.py            all of them
python tools/make_choose.py outliers   one of them
"""

from __future__ import annotations

import io
import runpy
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src")]
EXAMPLES = ROOT / "examples" / "choose"
WRITTEN = ROOT / "docs" / "choose"
# Grey is read on white and on black alike.
_STYLE = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), "#808080")


def ran(name: str) -> tuple[str, dict[str, Any]]:
    """What an example prints, and its variables."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        found = runpy.run_path(str(EXAMPLES / f"{name}.py"))
    return printed.getvalue(), found


def _lines(axes: Any, x: Any, lines: dict[Any, Any]) -> None:
    ends = np.array([x.min(), x.max()])
    for name, (offset, slope) in lines.items():
        axes.plot(ends, offset + slope * ends, label=name)


def _outliers(axes: Any, found: dict[str, Any]) -> None:
    axes.plot(found["poverty"], found["murders"], "o", color="#808080", markersize=4)
    _lines(axes, found["poverty"], found["lines"])
    axes.set(xlabel="poor people, per cent", ylabel="murders, per 100,000")
    axes.legend(frameon=False)


def _quantiles(axes: Any, found: dict[str, Any]) -> None:
    axes.plot(found["income"], found["food"], "o", color="#808080", markersize=3)
    _lines(axes, found["income"], found["lines"])
    axes.set(xlabel="income, thousands", ylabel="food, thousands", ylim=(0, 2.2))
    axes.legend(frameon=False, title="quantile")


def _censored(axes: Any, found: dict[str, Any]) -> None:
    seen, days = found["seen"], found["days"]
    axes.step(seen.surv_times, seen.surv_prob, where="post", color="#808080", label="Kaplan and Meier")
    for (name, value), color in zip(found["medians"].items(), ("C0", "C1", "C2"), strict=True):
        axes.plot([value], [0.5], "o", color=color, label=name)
    axes.set(xlabel="days", ylabel="share still alive", ylim=(0, 1), xlim=(0, days.max()))
    axes.legend(frameon=False)


_PICTURES: dict[str, Callable[[Any, dict[str, Any]], None]] = {
    "outliers": _outliers,
    "quantiles": _quantiles,
    "censored": _censored,
}


def draw(name: str, found: dict[str, Any]) -> None:
    """The picture of an example, without a ground of its own."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    with mpl.rc_context({**_STYLE, "svg.hashsalt": name, "legend.labelcolor": "#808080"}):
        figure, axes = pyplot.subplots(figsize=(6.4, 3.6), layout="constrained")
        _PICTURES[name](axes, found)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(WRITTEN / f"{name}.svg", transparent=True, metadata={"Date": None})
        pyplot.close(figure)


def main(wanted: list[str]) -> None:
    """Runs what is wanted."""
    WRITTEN.mkdir(exist_ok=True)
    for name in wanted or sorted(file.stem for file in EXAMPLES.glob("*.py")):
        printed, found = ran(name)
        (WRITTEN / f"{name}.txt").write_text(printed)
        print(f"{name}\n{printed}")
        if name in _PICTURES:
            draw(name, found)


if __name__ == "__main__":
    main(sys.argv[1:])
