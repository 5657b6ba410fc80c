"""Draws every loss and writes the gallery page: ``python tools/make_gallery.py``."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

import lossary
from lossary import Loss

GROUPS: dict[str, list[Any]] = {
    "Regression losses side by side": ["mean_squared_error", "mean_absolute_error", "huber", "log_cosh"],
    "Two classes, from raw scores": [lossary.BinaryCrossentropy(from_logits=True), "hinge", "squared_hinge"],
    "Huber's delta": [lossary.Huber(delta=delta) for delta in (0.5, 1.0, 2.0)],
    "Label smoothing": [lossary.CategoricalCrossentropy(label_smoothing=share) for share in (0.0, 0.1, 0.3)],
}


def builtin() -> list[str]:
    """The names of the catalogue."""
    return [name for name in lossary.names() if lossary.get(name).record.builtin]


def configurations(name: str) -> list[Loss]:
    """A loss, and once more from logits where it can."""
    plain = lossary.get(name)
    return [plain, lossary.get(name, from_logits=True)] if "from_logits" in plain.parameters else [plain]


def draw(losses: list[Any], path: Path) -> None:
    """Draws losses into a file."""
    figure = lossary.plot(*losses)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=110)
    # With a palette a picture takes a third, and all of them stand in the repository.
    Image.open(drawn).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def pictures(names: list[str]) -> Iterator[tuple[str, str, str, list[Any]]]:
    """Title, text, file and losses of every picture."""
    for title, losses in GROUPS.items():
        yield title, "", re.sub(r"[^a-z]+", "-", title.lower()) + ".png", losses
    for name in sorted(names, key=lambda name: (lossary.get(name).record.family, name)):
        yield name, lossary.get(name).record.summary.replace("``", "`"), f"{name}.png", list(configurations(name))


def page(names: list[str]) -> str:
    """The gallery page."""
    lines = [
        "# Gallery",
        "",
        "Value and slope of every loss, drawn by `lossary.plot`; `lossary plot huber log_cosh` draws your own choice.",
        "The slope is the derivative of the value along the horizontal axis. Losses of whole rows are drawn as",
        "surfaces: in the triangles, a corner gives all probability to one class and the middle a third to each; in",
        "the squares, the third class has the score 0. `tools/make_gallery.py` makes this page.",
    ]
    for title, text, file, _ in pictures(names):
        lines += ["", f"## {title}", "", *([text, ""] if text else []), f"![{title}: value and slope](images/{file})"]
    return "\n".join(lines) + "\n"


def make(folder: Path, names: list[str]) -> int:
    """Writes the page and its pictures; returns how many."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "gallery.md").write_text(page(names), encoding="utf-8")
    drawn = list(pictures(names))
    for _, _, file, losses in drawn:
        draw(losses, folder / "images" / file)
    return len(drawn)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "docs"
    print(f"wrote {target / 'gallery.md'} and {make(target, builtin())} pictures")
