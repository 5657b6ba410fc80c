"""The page that helps to choose a loss says what the library says, and its numbers are those of the runs it shows."""

from __future__ import annotations

import re

import numpy as np
import pytest
from tools.make_choose import EXAMPLES, ROOT, WRITTEN, draw, ran

import lossary
from lossary.demo._data import DEBIAN

PAGE = (ROOT / "docs" / "choose.md").read_text()
LONG = ("fashion", "masks")  # trained with PyTorch
NAMES = sorted(file.stem for file in EXAMPLES.glob("*.py"))
RNG = np.random.default_rng(0)
SAMPLES = {
    "numbers": RNG.normal(size=500),
    "numbers, a few far off": np.append(RNG.normal(size=500), [60.0, 80.0, 99.0]),
    "positive, over several powers of ten": RNG.lognormal(0.0, 2.0, 500),
    "proportions from 0 to 1": RNG.uniform(size=500),
    "counts": RNG.poisson(3.0, 500),
    "two classes": np.arange(500) % 2,
    "one of several classes, integers": np.arange(500) % 5,
    "one of several classes, one-hot rows": np.eye(5)[np.arange(500) % 5],
    "several labels at once": RNG.integers(0, 2, (500, 5)),
    "grades in an order": np.array([1, 2, 3, 3, 4, 4, 4, 5, 5, 5] * 50),
    "masks": RNG.integers(0, 2, (50, 8, 8)),
    "unit vectors": (lambda v: v / np.linalg.norm(v, axis=1, keepdims=True))(RNG.normal(size=(500, 3))),
}


def rows(page, *titles):
    """The cells of the table with these titles."""
    lines = page.split("| " + " | ".join(titles), 1)[1].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[: lines.index("")]]


@pytest.mark.parametrize("row", rows(PAGE, "targets", "loss"), ids=lambda row: row[0])
def test_what_fits_targets_is_what_suggest_says(row):
    advice = lossary.suggest(SAMPLES[row[0]])
    assert f"`{advice.name}`" in row[1]
    assert advice.activation in row[2]


def test_what_fits_a_last_layer_is_what_the_doctor_says():
    doctor = (ROOT / "docs" / "doctor.md").read_text()
    activations = ("linear", "sigmoid", "softmax", "softplus", "exponential", "tanh")
    titles, *losses = [re.split(r" \| ", line.strip("| ")) for line in doctor.splitlines() if line.count(" | ") == 18]
    found = {cells[0]: dict(zip(titles, cells, strict=True)) for cells in losses}
    for loss, *said in rows(PAGE, "loss", *activations):
        assert said == [found[loss][activation] for activation in activations]


def numbers(text):
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]


def marked(name):
    """An example as a parameter: those that train take long, and no package of Python's brings pictures of clothes."""
    absent = not any(DEBIAN.glob("train-images*"))
    needs = pytest.mark.skipif(name == "fashion" and absent, reason="apt-get install dataset-fashion-mnist")
    return pytest.param(name, marks=[needs, pytest.mark.exhaustive] if name in LONG else [needs])


@pytest.mark.parametrize("name", map(marked, NAMES))
def test_a_run_prints_what_the_page_shows(name):
    assert f"choose/{name}.txt" in PAGE
    assert f"choose/{name}.py" in PAGE
    printed, _ = ran(name)
    said = (WRITTEN / f"{name}.txt").read_text()
    assert re.sub(r"[\d.]+", "", printed) == re.sub(r"[\d.]+", "", said)
    assert numbers(printed) == pytest.approx(numbers(said), rel=0.1 if name in LONG else 0.02)


def test_quantiles_are_those_of_the_book():
    # R. Koenker, Quantile Regression (2005), of the same data; statsmodels' QuantReg has them too.
    lines = ran("quantiles")[1]["lines"]
    slopes = {0.05: 0.3434, 0.25: 0.4741, 0.5: 0.5602, 0.75: 0.6440, 0.95: 0.7091}
    assert {level: slope for level, (_, slope) in lines.items()} == pytest.approx(slopes, abs=2e-4)


def test_pictures_have_no_ground_and_no_date(tmp_path, monkeypatch):
    monkeypatch.setattr("tools.make_choose.WRITTEN", tmp_path)
    draw("outliers", ran("outliers")[1])
    drawn = (tmp_path / "outliers.svg").read_text()
    assert drawn.count("#808080") > 51
    assert "dc:date" not in drawn
