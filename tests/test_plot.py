"""Pictures: what is drawn, along which axis, with which labels; and that the gallery is up to date."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.mathtext import MathTextParser

import lossary
from inputs import NAMES
from lossary.show._curves import curve
from lossary.show._mathtext import mathtext

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(autouse=True)
def _closed():
    yield
    pyplot.close("all")


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("(y_pred - y_true)**2 / 2", r"$(\hat{y} - y)^{2}\,/\,2$"),
        ("mean(abs(y_pred - y_true))", r"$\mathrm{mean}\,|\hat{y} - y|$"),
        ("a - (b - c)", "$a - (b - c)$"),
        ("a - b - c", "$a - b - c$"),
        ("a / (b * c)", r"$a\,/\,(b\,c)$"),
        ("-sum(y_true * log(y_pred))", r"$-\sum y\,\log(\hat{y})$"),
        (
            "a if d <= delta else b, d = abs(x)",
            r"$a\;\;\mathrm{if}\; d \leq \delta\;\;\mathrm{else}\;\; b,\;\; d = |x|$",
        ),
        ("y_pred[y_true]", r"$\hat{y}_{y}$"),
        ("max(1 - y_true, 0)**2", r"$\max(1 - y,\, 0)^{2}$"),
    ],
)
def test_formulas_become_mathtext(definition: str, expected: str) -> None:
    assert mathtext(definition) == expected


@pytest.mark.parametrize("definition", ["", "not an expression", "lambda x: x", "a, b", "f(x for x in y)"])
def test_what_is_no_formula_is_left_out(definition: str) -> None:
    assert mathtext(definition) is None


@pytest.mark.parametrize("name", NAMES)
def test_every_definition_is_drawable(name: str) -> None:
    text = mathtext(lossary.get(name).record.definition)
    assert text is not None
    MathTextParser("path").parse(text)


CONFIGURATIONS = [lossary.get(name) for name in NAMES] + [
    lossary.get(name, from_logits=True) for name in NAMES if "from_logits" in lossary.get(name).parameters
]


@pytest.mark.parametrize("loss", CONFIGURATIONS, ids=repr)
def test_slope_is_the_derivative_of_the_drawn_value(loss: lossary.Loss) -> None:
    drawn = curve(loss)
    x, value, slope = drawn.line.x, drawn.value, drawn.slope
    central = (value[2:] - value[:-2]) / (x[2:] - x[:-2])
    bend = np.abs(value[2:] - 2 * value[1:-1] + value[:-2]) / (x[1] - x[0])
    # Away from corners and poles, where a finite difference means something.
    smooth = (bend < 0.05 * (1 + np.abs(central))) & np.isfinite(slope[1:-1])
    assert smooth.mean() > 0.6
    np.testing.assert_allclose(slope[1:-1][smooth], central[smooth], rtol=2e-2, atol=2e-2)


def test_curves_have_the_known_values() -> None:
    def at(loss: str, x: float, **parameters: float) -> float:
        drawn = curve(lossary.get(loss, **parameters))
        return float(np.interp(x, drawn.line.x, drawn.value))

    assert at("mean_squared_error", 3.0) == pytest.approx(9.0)
    assert at("huber", 3.0, delta=2.0) == pytest.approx(2.0 * (3.0 - 1.0))
    assert at("hinge", -2.0) == pytest.approx(3.0)
    assert at("categorical_crossentropy", 0.5) == pytest.approx(math.log(2.0), rel=1e-4)
    assert at("binary_crossentropy", 0.5) == pytest.approx(math.log(2.0), rel=1e-4)
    assert at("sparse_categorical_crossentropy", 0.0, from_logits=True) == pytest.approx(math.log(3.0), rel=1e-4)
    assert at("cosine_similarity", math.pi / 3) == pytest.approx(-0.5, abs=1e-4)
    assert at("kl_divergence", 0.7) == pytest.approx(0.0, abs=1e-4)
    assert at("poisson", 2.0) == pytest.approx(2.0 - math.log(2.0), rel=1e-4)


def test_a_jump_of_the_slope_is_a_gap() -> None:
    slope = curve(lossary.get("mean_absolute_error")).slope
    assert np.isnan(slope).sum() == 1
    assert set(np.sign(slope[np.isfinite(slope)])) <= {-1.0, 0.0, 1.0}
    assert not np.isnan(curve(lossary.get("mean_squared_error")).slope).any()


def test_a_figure_names_axes_losses_and_parameters() -> None:
    figure = lossary.plot("huber_loss", "log_cosh", "mean_squared_error", delta=1.5)
    value, slope = figure.axes
    assert (value.get_ylabel(), slope.get_ylabel()) == ("value", "slope")
    assert value.get_xlabel() == slope.get_xlabel() == r"error $\hat{y} - y$"
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert [label.split(":")[0] for label in labels] == ["huber(delta=1.5)", "log_cosh", "mean_squared_error"]
    assert all("$" in label for label in labels)
    colours = {line.get_color() for line in legend.get_lines()}
    dashes = {line.get_linestyle() + str(line._dash_pattern) for line in legend.get_lines()}
    assert len(colours) == len(dashes) == 3


def test_losses_with_other_axes_get_a_row_each() -> None:
    figure = lossary.plot("hinge", "mean_squared_error", lossary.BinaryCrossentropy(from_logits=True))
    labels = [axes.get_xlabel() for axes in figure.axes[::2]]
    assert labels == [r"margin $y\,\hat{y}$", r"error $\hat{y} - y$", "logit of the true class"]
    assert len(figure.legends[0].get_texts()) == 3


def test_a_custom_loss_is_drawn() -> None:
    @lossary.loss(name="cubed_for_plot")
    def cubed(y_true, y_pred):
        return lossary.words.mean(abs(y_pred - y_true) ** 3)

    figure = lossary.plot(cubed)
    assert figure.axes[0].get_lines()[0].get_ydata()[-1] == pytest.approx(27.0)


def test_mistakes_are_explained() -> None:
    with pytest.raises(lossary.UnknownLossError, match="did you mean huber"):
        lossary.plot("hubr")
    with pytest.raises(lossary.ParameterError, match=r"unknown parameter 'delt'.*Did you mean delta="):
        lossary.plot("huber", delt=2.0)
    with pytest.raises(lossary.ParameterError, match="delta is -1"):
        lossary.plot("huber", delta=-1.0)
    with pytest.raises(lossary.UnknownLossError, match="For example"):
        lossary.plot()


HISTORY = {"loss": [0.9, 0.5, 0.4], "val_loss": [1.0, 0.7, 0.8], "accuracy": [0.5, 0.8, 0.9]}


def test_a_history_has_a_panel_per_quantity() -> None:
    figure = lossary.plot.history(SimpleNamespace(history=HISTORY), title="digits")
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    training, validation = figure.axes[0].get_lines()
    assert list(training.get_xdata()) == [1, 2, 3]
    assert list(training.get_ydata()) == HISTORY["loss"]
    assert list(validation.get_ydata()) == HISTORY["val_loss"]
    assert training.get_linestyle() == "-"
    assert validation.get_linestyle() != "-"
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["training", "validation"]


def test_several_histories_share_panels() -> None:
    figure = lossary.plot.history({"mse": HISTORY, "huber": SimpleNamespace(history=HISTORY)})
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["mse, training", "mse, validation", "huber, training", "huber, validation"]


@pytest.mark.parametrize("history", [{}, None, 3, {"loss": "abc"}, {"loss": 0.5}])
def test_what_is_no_history_is_refused(history: object) -> None:
    with pytest.raises(lossary.LossError, match=r"lossary\.plot\.history.*model\.fit"):
        lossary.plot.history(history)


def test_matplotlib_is_imported_when_needed_and_named_when_missing() -> None:
    script = (
        "import sys, lossary\n"
        "assert 'matplotlib' not in sys.modules\n"
        "sys.modules['matplotlib'] = None\n"
        "try:\n    lossary.plot('huber')\n"
        "except lossary.LossError as error:\n    print(isinstance(error, ImportError), error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "True lossary.plot needs matplotlib, which is not installed. Install it with: pip install 'lossary[plot]'"
    )


def test_drawing_leaves_global_settings_alone() -> None:
    before = dict(pyplot.rcParams)
    lossary.plot("huber")
    assert dict(pyplot.rcParams) == before


def test_the_gallery_is_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS.parent / "tools"))
    import make_gallery

    assert (DOCS / "gallery.md").read_text() == make_gallery.page(make_gallery.builtin()), (
        "run python tools/make_gallery.py"
    )
    for _, _, file, _ in make_gallery.pictures(make_gallery.builtin()):
        assert (DOCS / "images" / file).stat().st_size > 10_000
    make_gallery.GROUPS.clear()
    assert make_gallery.make(tmp_path, ["hinge", "huber"]) == 2
    picture = pyplot.imread(tmp_path / "images" / "hinge.png")
    assert picture.shape[0] > 300
    assert picture.shape[1] > 900
    assert picture[..., :3].std() > 0.05
