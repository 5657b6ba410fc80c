"""Draws the course of trainings: one panel per quantity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import DTypeError
from ._style import pen


def runs_of(history: Any) -> dict[str, dict[str, list[float]]]:
    """Run name -> quantity -> one number per epoch."""
    plain = getattr(history, "history", history)
    if isinstance(plain, Mapping) and plain:
        inner: dict[str, Any] = {str(name): getattr(run, "history", run) for name, run in plain.items()}
        if all(isinstance(run, Mapping) and run for run in inner.values()):
            return {name: _quantities(run) for name, run in inner.items()}
        return {"": _quantities(plain)}
    raise _not_a_history(history)


def _not_a_history(value: Any) -> DTypeError:
    return DTypeError(
        f"lossary.plot.history: got {type(value).__name__}; accepted are what model.fit returned, its .history "
        "(a dict from a quantity to one number per epoch), or a dict from a run's name to either. "
        "For example lossary.plot.history(model.fit(x, y))"
    )


def _quantities(run: Mapping[str, Any]) -> dict[str, list[float]]:
    try:
        return {str(name): [float(number) for number in numbers] for name, numbers in run.items()}
    except (TypeError, ValueError):
        raise _not_a_history(run) from None


def draw_history(axes: Any, quantity: str, runs: Mapping[str, Mapping[str, list[float]]]) -> None:
    both = any(f"val_{quantity}" in run for run in runs.values())
    for number, (name, run) in enumerate(runs.items()):
        for key, style, what in ((quantity, "-", "training"), (f"val_{quantity}", (0, (4, 2)), "validation")):
            if key in run:
                epochs = range(1, len(run[key]) + 1)
                label = ", ".join(part for part in (name, what if both else "") if part)
                axes.plot(
                    epochs,
                    run[key],
                    color=pen(number)["color"],
                    linestyle=style,
                    label=label,
                    marker="o",
                    markersize=3.5,
                )
    axes.set(xlabel="epoch", ylabel=quantity.replace("_", " "))
    axes.xaxis.get_major_locator().set_params(integer=True)
    if axes.get_legend_handles_labels()[1] not in ([], [""]):
        axes.legend()
