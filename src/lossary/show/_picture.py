"""The figure that `lossary.plot` returns."""

from __future__ import annotations

import io
from typing import Any

from matplotlib import rc_context, rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ._style import settings


class Picture(Figure):
    """A figure that belongs to its caller: pyplot does not hold it, so that it goes with its last name.

    A notebook shows it once, as the value of a cell; ``savefig`` writes it, and ``show`` opens a window.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        FigureCanvasAgg(self)

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Writes the picture, in the style in which it was drawn."""
        with rc_context(settings()):
            super().savefig(*args, **kwargs)

    def show(self, warn: bool = True) -> None:
        """Opens a window and waits until it is closed, as ``matplotlib.pyplot.show()`` does; from matplotlib 3.11."""
        from matplotlib import pyplot

        pyplot.figure(self)
        pyplot.show()

    def _repr_png_(self) -> bytes:
        """What notebooks show, also where pyplot was never imported."""
        drawn = io.BytesIO()
        self.savefig(drawn, format="png", dpi=rcParams["figure.dpi"])
        return drawn.getvalue()
