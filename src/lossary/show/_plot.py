"""`lossary.plot`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import texts
from .._extras import require
from ..errors import DTypeError
from ..objects.define import Loss
from ..objects.get import get
from ._curves import Curve, curve
from ._maps import draw_surface
from ._mathtext import mathtext
from ._style import SETTINGS, pen
from ._surfaces import surface

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL = (4.6, 3.1)
# The height of a row with a surface, which has a title and a legend of its own.
MAP = 4.3
# A definition of more characters than this does not fit beside its name.
LONGEST = 110
# What fits under a panel in one line.
_LONGEST_LABEL = 44


class Plot:
    """Draws losses: ``lossary.plot("huber", "log_cosh")``, and trainings: ``lossary.plot.history(history)``."""

    def __call__(self, *losses: Any, **parameters: Any) -> Figure:
        """Value and slope of one or several losses, side by side.

        The horizontal axis follows from what the loss is about: the error for regression, the margin for hinges, the
        probability or the lead of the logit of the true class for classification.  Losses with different axes get a
        row of panels each.  The slope is the derivative of the value along that axis.

        A loss of whole rows that is alone on its axis is drawn as a surface: over all ways to divide the probability
        among three classes, over the scores of two of them against the third, or over a plane of directions.  Several
        on one axis, such as one loss with three values of a parameter, are drawn as curves to be compared.

        Args:
            *losses: Anything `lossary.get` understands.
            **parameters: Parameters (``delta=2.0``), given to every loss that has them.

        Returns:
            A matplotlib figure; ``figure.savefig("losses.png")`` or ``matplotlib.pyplot.show()`` show it.

        Raises:
            MissingExtraError: matplotlib is not installed.
            UnknownLossError: No loss has this name.
            ParameterError: None of the losses has such a parameter, or its value is out of range.

        >>> import matplotlib; matplotlib.use("agg")
        >>> import lossary
        >>> figure = lossary.plot("huber", "mean_absolute_error", delta=2.0)
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['value', 'slope']
        """
        pyplot = require("matplotlib.pyplot", "plot", "lossary.plot")
        curves = [curve(loss) for loss in _configured(losses, parameters)]
        rows: dict[Any, list[tuple[int, Curve]]] = {}
        for number, drawn in enumerate(curves):
            rows.setdefault((drawn.line.label, drawn.line.limits), []).append((number, drawn))
        groups = list(rows.values())
        planes = [surface(members[0][1].loss) if len(members) == 1 else None for members in groups]
        heights = [PANEL[1] if plane is None else MAP for plane in planes]
        names = sum(len(members) for members, plane in zip(groups, planes, strict=True) if plane is None)
        with pyplot.rc_context(SETTINGS):
            size = (2 * PANEL[0], sum(heights) + 0.32 * names + 0.2)
            figure: Figure = pyplot.figure(figsize=size, layout="constrained")
            if any(planes):
                parts = figure.subfigures(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
            else:
                parts = figure.subplots(len(groups), 2, squeeze=False)
            lines: dict[int, Any] = {}
            for part, members, plane in zip(parts, groups, planes, strict=True):
                if plane is not None:
                    draw_surface(part, plane, _label(plane.loss))
                else:
                    lines |= _draw_row(part.subplots(1, 2) if any(planes) else part, members)
            if lines:
                ordered = [lines[number] for number in sorted(lines)]
                figure.legend(ordered, [line.get_label() for line in ordered], loc="outside lower center", ncols=1)
        return figure

    def history(self, history: Any, *, title: str | None = None) -> Figure:
        """The course of a training, or of several: one panel per quantity, validation dashed.

        Args:
            history: What ``model.fit`` returned, its ``.history`` dict, or a dict from a run's name to either.
            title: A line above the panels.

        Returns:
            A matplotlib figure.

        Raises:
            MissingExtraError: matplotlib is not installed.
            DTypeError: The history is neither of these, or empty.

        >>> import matplotlib; matplotlib.use("agg")
        >>> import lossary
        >>> figure = lossary.plot.history({"loss": [0.9, 0.5], "val_loss": [1.0, 0.7]})
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['loss']
        """
        pyplot = require("matplotlib.pyplot", "plot", "lossary.plot.history")
        runs = _runs(history)
        quantities = list(dict.fromkeys(name.removeprefix("val_") for run in runs.values() for name in run))
        with pyplot.rc_context(SETTINGS):
            columns = min(3, len(quantities))
            lines = -(-len(quantities) // columns)
            size = (PANEL[0] * columns, PANEL[1] * lines + 0.3)
            figure: Figure = pyplot.figure(figsize=size, layout="constrained")
            panels = figure.subplots(lines, columns, squeeze=False).ravel()
            for axes, quantity in zip(panels, quantities, strict=False):
                _draw_history(axes, quantity, runs)
            for axes in panels[len(quantities) :]:
                axes.remove()
            if title:
                figure.suptitle(title)
        return figure


plot = Plot()


def _configured(losses: Sequence[Any], parameters: Mapping[str, Any]) -> list[Loss]:
    if not losses:
        raise texts.not_a_loss(None)
    found = [get(loss) for loss in losses]
    for name in parameters:
        if not any(name in loss.parameters for loss in found):
            known = dict.fromkeys(parameter for loss in found for parameter in loss.parameters)
            raise texts.unknown_parameter(", ".join(loss.name for loss in found), name, known)
    return [get(loss, **{k: v for k, v in parameters.items() if k in loss.parameters}) for loss in found]


# --- curves ---------------------------------------------------------------------------------------------------------


def _label(loss: Loss) -> str:
    defaults = loss.record.defaults()
    numbers = loss.record.symbols(loss.parameters)
    # A number is part of the curve even at its default, where it does something; the guard against log 0 is not.
    shown = {
        name: value
        for name, value in loss.parameters.items()
        if value != defaults[name] or (name in numbers and value and name != "epsilon")
    }
    settings = ", ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in shown.items()
    )
    formula = mathtext(loss.record.definition) if len(loss.record.definition) <= LONGEST else None
    if formula and loss.parameters.get("from_logits"):
        formula += rf",  $\hat{{y}} = \mathrm{{{loss.record.prediction.activation}}}(z)$"
    name = f"{loss.record.name}({settings})" if settings else loss.record.name
    return f"{name}:   {formula}" if formula else name


def _draw_row(panels: Any, members: list[tuple[int, Curve]]) -> dict[int, Any]:
    """Draws the curves of one row of panels; returns their lines by number."""
    value, slope = panels
    line, lines = members[0][1].line, {}
    for number, drawn in members:
        (lines[number],) = value.plot(drawn.line.x, drawn.value, label=_label(drawn.loss), **pen(number))
        slope.plot(drawn.line.x, drawn.slope, **pen(number))
    for axes, heights, name in (
        (value, [drawn.value for _, drawn in members], "value"),
        (slope, [drawn.slope for _, drawn in members], "slope"),
    ):
        axes.set(xlabel=_in_lines(line.label), ylabel=name, xlim=line.limits, ylim=_limits(heights))
        axes.axhline(0.0, color="#999999", linewidth=0.8, zorder=1)
        if line.mark is not None and line.limits[0] < line.mark < line.limits[1]:
            axes.axvline(line.mark, color="#999999", linewidth=0.8, zorder=1)
    return lines


def _in_lines(label: str) -> str:
    """A label that is longer than its axis in two lines; formulas are short."""
    return label if "$" in label else textwrap.fill(label, _LONGEST_LABEL)


def _limits(heights: list[Any]) -> tuple[float, float]:
    """A range that shows the body of every curve and lets poles run out of the picture."""
    import numpy as np

    low = min(float(np.nanquantile(height, 0.06)) for height in heights)
    high = max(float(np.nanquantile(height, 0.94)) for height in heights)
    bottom = min(float(np.nanmin(height)) for height in heights)
    top = max(float(np.nanmax(height)) for height in heights)
    room = 0.35 * (high - low)
    bottom, top = max(bottom, low - room), min(top, high + room)
    margin = 0.05 * (top - bottom) or 0.5
    return min(bottom, 0.0) - margin, max(top, 0.0) + margin


# --- trainings ------------------------------------------------------------------------------------------------------


def _runs(history: Any) -> dict[str, dict[str, list[float]]]:
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


def _draw_history(axes: Any, quantity: str, runs: Mapping[str, Mapping[str, list[float]]]) -> None:
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
