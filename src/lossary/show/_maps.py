"""Draws a surface: bands of colour between contours, value on the left and slope on the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._curves import Floats
from ._surfaces import CORNERS, Surface

# On the colours of the bands, whatever the page is.
INK = "#222222"
BANDS, FEWEST = 10, 5
# The part of the plane over which the bands spread where the surface has a pole.
BODY = 0.97


def draw_surface(part: Any, drawn: Surface, title: str) -> None:
    """Draws value and slope into a part of a figure."""
    panels = part.subplots(1, 2)
    part.suptitle(title, fontsize=10.5)
    _draw_both(panels, drawn)
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        part.legend(handles, labels, loc="outside lower center", ncols=2)


def draw_panels(panels: Sequence[Any], drawn: Surface, title: str) -> None:
    """Draws the value, or value and slope, into axes of a figure that holds others."""
    _draw_both(panels, drawn)
    panels[0].set_title(title)
    if panels[0].get_legend_handles_labels()[0]:
        panels[0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)


def _draw_both(panels: Sequence[Any], drawn: Surface) -> None:
    downhill = abs(float(drawn.slope.min())) >= abs(float(drawn.slope.max()))
    sides = (
        (drawn.value, "value", "viridis_r"),
        (drawn.slope, drawn.slope_name, "cividis" if downhill else "cividis_r"),
    )
    for axes, (heights, name, colours) in zip(panels, sides, strict=False):
        _draw(axes, drawn, heights, name, colours)


def _draw(axes: Any, drawn: Surface, heights: Floats, name: str, colours: str) -> None:
    from matplotlib.colors import BoundaryNorm
    from matplotlib.patheffects import withStroke
    from matplotlib.tri import Triangulation

    heights = _without_rounding(heights)
    levels = _levels(heights)
    names = [f"{level:g}".replace("-", "\N{MINUS SIGN}") for level in levels]
    below, above = heights.min() < levels[0], heights.max() > levels[-1]
    # A band ends below its upper level; a plateau at the last one belongs to it.
    levels[-1] += 1e-9 * (levels[-1] - levels[0])
    extend: Any = ("both" if below else "max") if above else ("min" if below else "neither")
    mesh = Triangulation(drawn.x, drawn.y)
    # Every band gets its own colour, however narrow it is.
    evenly = BoundaryNorm(levels, 256, extend=extend)
    bands = axes.tricontourf(mesh, heights, levels, cmap=colours, norm=evenly, extend=extend)
    axes.tricontour(mesh, heights, levels, colors=INK, linewidths=0.5, linestyles="-")
    bar = axes.figure.colorbar(bands, ax=axes, label=name, shrink=0.85, pad=0.06, aspect=22, ticks=levels)
    bar.ax.set_yticklabels(names)
    bar.ax.grid(False)
    for number, edge in enumerate(drawn.edges):
        label = None if number else f"where {drawn.own} begins to win"
        halo = [withStroke(linewidth=3.0, foreground="white")]
        dashes = {"linewidth": 1.4, "linestyle": (0, (4, 2)), "path_effects": halo}
        axes.plot(*edge.T, color=INK, zorder=4, label=label, **dashes)
    if drawn.mark is not None:
        marker = {"marker": "*", "markersize": 15, "markerfacecolor": "white", "markeredgecolor": INK}
        axes.plot(*drawn.mark, linestyle="none", zorder=5, clip_on=False, label="target", **marker)
    axes.set_aspect("equal")
    axes.grid(False)
    if drawn.rows == "shares":
        _triangle(axes, drawn)
    else:
        axes.set(xlabel=drawn.names[0], ylabel=drawn.names[1])


def _without_rounding(heights: Floats) -> Floats:
    """A plateau at a level lies on one side of it."""
    return np.round(heights, 9 - int(np.log10(max(float(np.ptp(heights)), 1e-9))))


def _triangle(axes: Any, drawn: Surface) -> None:
    """The frame of the triangle, with the probability of the true class along its left side."""
    from matplotlib import rcParams

    axes.set_axis_off()
    frame = {"color": rcParams["text.color"], "linewidth": 1.0}
    outline = CORNERS[[0, 1, 2, 0]]
    axes.plot(*outline.T, zorder=4, **frame)
    (top_x, top_y), *low = CORNERS
    axes.text(top_x, top_y + 0.06, drawn.names[0].replace("\n", " "), ha="center", va="bottom")
    for (x, y), name in zip(low, drawn.names[1:], strict=True):
        axes.text(x, y - 0.04, name, ha="center", va="top")
    for share in (0.2, 0.4, 0.6, 0.8):
        x, y = np.array([share, 1.0 - share, 0.0]) @ CORNERS
        axes.plot([x - 0.02, x], [y, y], **frame)
        axes.text(x - 0.035, y, f"{share:g}", ha="right", va="center", fontsize=9)
    axes.text(0.1, 0.5, f"probability of {drawn.own}", rotation=60, ha="center", va="center", fontsize=9)


def _levels(heights: Floats) -> Floats:
    """Round heights, evenly spaced where the surface is shown whole, in growing steps towards a pole."""
    from matplotlib.ticker import MaxNLocator

    bottom, top = float(heights.min()), float(heights.max())
    low, high = (float(np.quantile(heights, part)) for part in (1.0 - BODY, BODY))
    room = 0.6 * (high - low)

    def even(first: float, last: float) -> Any:
        if last - first <= 1e-6 * max(abs(first), abs(last)):  # A plain, but for rounding.
            first, last = bottom - 1.0, top + 1.0
        return MaxNLocator(BANDS, steps=[1, 2, 2.5, 5, 10]).tick_values(first, last)

    if bottom >= low - room and top <= high + room:
        return np.asarray(even(bottom, top))
    sizes = np.abs(heights)
    mixed = bottom < 0.0 < top and min(-bottom, top) > 0.01 * max(-bottom, top)
    least, most = np.quantile(sizes, 0.25 if mixed else 1.0 - BODY**0.3), np.quantile(sizes, BODY)
    for steps in ((1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
        ladder = np.array([step * 10.0**power for power in range(-12, 13) for step in steps])
        ladder = ladder[(ladder >= 0.85 * least) & (ladder <= 1.001 * most)]
        down, up = ladder[ladder < -bottom], ladder[ladder < top]
        if len(down) + len(up) <= BANDS:
            break
    zero = [0.0] if bottom <= 0.0 <= top or min(abs(bottom), abs(top)) < 0.5 * least else []
    levels = np.concatenate([-down[::-1], zero, up])
    return levels if len(levels) >= FEWEST else np.asarray(even(max(bottom, low - room), min(top, high + room)))
