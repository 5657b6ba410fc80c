"""How pictures look: colours that colour-blind readers can tell apart, and dashes that survive a grey print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's palette without its yellow, which is too pale for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.2)), (0, (7, 2, 1.5, 2)))

SETTINGS: dict[str, Any] = {
    "figure.dpi": 110,
    "savefig.dpi": 200,
    "savefig.bbox": "tight",
    "text.color": "#222222",
    "axes.labelcolor": "#222222",
    "axes.edgecolor": "#666666",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "axes.titlesize": 11,
    "legend.fontsize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}

# What systems bring for Chinese, Japanese and Korean.
_EAST_ASIAN = (
    "Noto Sans CJK SC", "Noto Sans CJK TC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans SC",
    "Source Han Sans SC", "PingFang SC", "Hiragino Sans GB", "Hiragino Sans", "Heiti TC", "Microsoft YaHei", "SimHei",
    "Yu Gothic", "Malgun Gothic", "Apple SD Gothic Neo", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
)  # fmt: skip
_FIRST_EAST_ASIAN = "\u2e80"


def settings() -> dict[str, Any]:
    """How pictures look where the user has not said otherwise: whatever differs from matplotlib's own default stays.

    The fonts that a text falls back on are those installed.
    """
    from matplotlib import rcParams, rcParamsDefault

    family = [*rcParams["font.family"], *_east_asian()]
    ours = {name: value for name, value in SETTINGS.items() if rcParams[name] == rcParamsDefault[name]}
    return {**ours, "font.family": family}


def lend_glyphs(figure: Figure) -> None:
    """Sets formulas with words of East Asia in a font that has them: of several fonts formulas take the first alone."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        words = text.get_text() if isinstance(text, Text) else ""
        if "$" in words and max(words) >= _FIRST_EAST_ASIAN:
            text.set_fontfamily([*_east_asian(), *text.get_fontfamily()])


def _east_asian() -> list[str]:
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in _EAST_ASIAN if name in installed]


def pen(index: int) -> dict[str, Any]:
    """Colour and dash of the line of this number; both change, so that either alone tells lines apart."""
    from matplotlib import rcParams, rcParamsDefault

    cycle = rcParams["axes.prop_cycle"]
    colours = COLOURS if cycle == rcParamsDefault["axes.prop_cycle"] else cycle.by_key().get("color", COLOURS)
    return {"color": colours[index % len(colours)], "linestyle": DASHES[index % len(DASHES)]}
