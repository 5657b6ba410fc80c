"""`lossary.plot`."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, overload

from .. import texts
from .._extras import require
from ..objects.define import Loss
from ..objects.get import get
from ._curves import Curve, curve
from ._history import draw_history, runs_of
from ._maps import draw_panels, draw_surface
from ._mathtext import mathtext
from ._style import lend_glyphs, pen, settings
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
# Tells curves from rules, and from what the caller has drawn.
CURVE = "lossary.curve"


class Plot:
    """Draws losses: ``lossary.plot("huber", "log_cosh")``, and trainings: ``lossary.plot.history(history)``."""

    @overload
    def __call__(self, *losses: Any, ax: None = None, **parameters: Any) -> Figure: ...

    @overload
    def __call__(self, *losses: Any, ax: Any, **parameters: Any) -> Any: ...

    def __call__(self, *losses: Any, ax: Any = None, **parameters: Any) -> Any:
        """Value and slope of one or several losses, side by side.

        The horizontal axis follows from what the loss is about: the error for regression, the margin for hinges, the
        probability or the lead of the logit of the true class for classification.  Losses with different axes get a
        row of panels each.  The slope is the derivative of the value along that axis.

        A loss of whole rows that is alone on its axis is drawn as a surface: over all ways to divide the probability
        among three classes, over the scores of two of them against the third, or over a plane of directions.  Several
        on one axis, such as one loss with three values of a parameter, are drawn as curves to be compared.

        Colours, fonts and backgrounds that were set before (``matplotlib.style.use("dark_background")``) stay.

        Args:
            *losses: Anything `lossary.get` understands; the ``name=`` of an object is its label.
            ax: Axes to draw into: one for the value, two (``ax=pyplot.subplots(1, 2)[1]``) for value and slope.  What
                was drawn into them before stays beside it.
            **parameters: Parameters (``delta=2.0``), given to every loss that has them; ``name=`` of a single loss.

        Returns:
            A matplotlib figure.  A notebook shows it, ``figure.savefig("losses.png")`` writes it, ``figure.show()``
            opens a window; pyplot does not hold it, so there is nothing to close.  With ``ax``, what was given there.

        Raises:
            MissingExtraError: matplotlib is not installed.
            UnknownLossError: No loss has this name.
            ParameterError: None of the losses has such a parameter, or its value is out of range.
            DTypeError: ``ax`` is neither axes nor two of them.
            ShapeError: One pair of axes is to show losses over different axes, an error and a margin.

        >>> import lossary
        >>> figure = lossary.plot("huber", "mean_absolute_error", delta=2.0)
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['value', 'slope']
        """
        require("matplotlib.figure", "plot", "lossary.plot")
        curves = [curve(loss) for loss in _configured(losses, parameters)]
        with _styled():
            if ax is None:
                return _figure(curves)
            _into(ax, curves)
        return ax

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

        >>> import lossary
        >>> figure = lossary.plot.history({"loss": [0.9, 0.5], "val_loss": [1.0, 0.7]})
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['loss']
        """
        require("matplotlib.figure", "plot", "lossary.plot.history")
        from ._picture import Picture

        runs = runs_of(history)
        quantities = list(dict.fromkeys(name.removeprefix("val_") for run in runs.values() for name in run))
        with _styled():
            columns = min(3, len(quantities))
            lines = -(-len(quantities) // columns)
            size = (PANEL[0] * columns, PANEL[1] * lines + 0.3)
            figure = Picture(figsize=size, layout="constrained")
            panels = figure.subplots(lines, columns, squeeze=False).ravel()
            for axes, quantity in zip(panels, quantities, strict=False):
                draw_history(axes, quantity, runs)
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
    if len(found) == 1 and "name" in parameters:
        parameters = dict(parameters)
        found[0] = found[0].replaced(name=parameters.pop("name"))
    for name in parameters:
        if not any(name in loss.parameters for loss in found):
            known = dict.fromkeys(parameter for loss in found for parameter in loss.parameters)
            raise texts.unknown_parameter(", ".join(loss.name for loss in found), name, known)
    return [loss.replaced(**{k: v for k, v in parameters.items() if k in loss.parameters}) for loss in found]


def _styled() -> AbstractContextManager[None]:
    from matplotlib import rc_context

    return rc_context(settings())


def _figure(curves: list[Curve]) -> Figure:
    """A row of panels for every axis: value and slope."""
    from ._picture import Picture

    rows: dict[Any, list[tuple[int, Curve]]] = {}
    for number, drawn in enumerate(curves):
        rows.setdefault((drawn.line.label, drawn.line.limits), []).append((number, drawn))
    groups = list(rows.values())
    planes = [surface(members[0][1].loss) if len(members) == 1 else None for members in groups]
    heights = [PANEL[1] if plane is None else MAP for plane in planes]
    names = sum(len(members) for members, plane in zip(groups, planes, strict=True) if plane is None)
    figure = Picture(figsize=(2 * PANEL[0], sum(heights) + 0.32 * names + 0.2), layout="constrained")
    if any(planes):
        parts = figure.subfigures(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
    else:
        parts = figure.subplots(len(groups), 2, squeeze=False)
    lines: dict[int, Any] = {}
    for part, members, plane in zip(parts, groups, planes, strict=True):
        if plane is not None:
            draw_surface(part, plane, _label(plane.loss))
        else:
            lines |= _draw_row(part.subplots(1, 2) if any(planes) else part, members, _label)
    if lines:
        ordered = [lines[number] for number in sorted(lines)]
        figure.legend(ordered, [line.get_label() for line in ordered], loc="outside lower center", ncols=1)
    lend_glyphs(figure)
    return figure


def _into(ax: Any, curves: list[Curve]) -> None:
    """Value, or value and slope, into the caller's axes."""
    from matplotlib.axes import Axes

    panels = list(ax.flat) if hasattr(ax, "flat") else list(ax) if isinstance(ax, Sequence) else [ax]
    if len(panels) not in (1, 2) or not all(isinstance(axes, Axes) for axes in panels):
        raise texts.not_axes(ax)
    there = [axes.get_xlabel() for axes in panels[:1] if _drawn(axes)]
    over = dict.fromkeys([*there, *(_in_lines(drawn.line.label) for drawn in curves)])
    if len(over) > 1:
        raise texts.axes_differ(list(over))
    plane = surface(curves[0].loss) if len(curves) == 1 and not there else None
    if plane is not None:
        draw_panels(panels, plane, _name(plane.loss))
    else:
        first = len(_drawn(panels[0]))
        _draw_row(panels, list(enumerate(curves, first)), _name)
        panels[0].legend()


# --- curves ---------------------------------------------------------------------------------------------------------


def _name(loss: Loss) -> str:
    """What its user calls it, or its name and what is set."""
    if loss.name != loss.record.name:
        return loss.name
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
    return f"{loss.name}({settings})" if settings else loss.name


def _label(loss: Loss) -> str:
    """The name and the formula, where that fits."""
    formula = mathtext(loss.record.definition) if len(loss.record.definition) <= LONGEST else None
    if formula and loss.parameters.get("from_logits"):
        formula += rf",  $\hat{{y}} = \mathrm{{{loss.record.prediction.activation}}}(z)$"
    return f"{_name(loss)}:   {formula}" if formula else _name(loss)


def _draw_row(panels: Sequence[Any], members: list[tuple[int, Curve]], label: Callable[[Loss], str]) -> dict[int, Any]:
    """Draws the curves of one row of panels, values first; returns the lines of the values by number."""
    line = members[0][1].line
    lines: dict[int, Any] = {}
    for axes, name in zip(panels, ("value", "slope"), strict=False):
        for number, drawn in members:
            height = drawn.value if name == "value" else drawn.slope
            (made,) = axes.plot(drawn.line.x, height, label=label(drawn.loss), gid=CURVE, **pen(number))
            lines.setdefault(number, made)
        heights = [each.get_ydata() for each in _drawn(axes)]
        axes.set(xlabel=_in_lines(line.label), ylabel=name, xlim=line.limits, ylim=_limits(heights))
        axes.axhline(0.0, color="#999999", linewidth=0.8, zorder=1)
        if line.mark is not None and line.limits[0] < line.mark < line.limits[1]:
            axes.axvline(line.mark, color="#999999", linewidth=0.8, zorder=1)
    return lines


def _drawn(axes: Any) -> list[Any]:
    """The curves that axes hold, also those of earlier calls."""
    return [line for line in axes.get_lines() if line.get_gid() == CURVE]


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
