"""Pictures: what is drawn, along which axis, with which labels; and that the gallery is up to date."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from cycler import cycler
from matplotlib import pyplot
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text

import lossary
from inputs import NAMES
from lossary.facts.domain import OneHot
from lossary.show._curves import curve
from lossary.show._maps import _levels
from lossary.show._mathtext import mathtext
from lossary.show._style import settings
from lossary.show._surfaces import Surface, surface

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
        (
            "mean_i(abs(y_pred_i)), y_pred = (lower, alpha)",
            r"$\mathrm{mean}_{i}\,|\hat{y}_{i}|,\;\; \hat{y} = (\mathrm{lower},\, \alpha)$",
        ),
        ("max(1 - y_true, 0)**2", r"$\max(1 - y,\, 0)^{2}$"),
        ("-log_probability * beta", r"$-\mathrm{log\_probability}\,\beta$"),
    ],
)
def test_formulas_become_mathtext(definition: str, expected: str) -> None:
    assert mathtext(definition) == expected


@pytest.mark.parametrize("definition", ["", "not an expression", "lambda x: x", "a, b", "f(x for x in y)"])
def test_what_is_no_formula_is_left_out(definition: str) -> None:
    assert mathtext(definition) is None


@pytest.mark.parametrize("name", NAMES)
def test_every_definition_is_drawable(name: str) -> None:
    definition = lossary.get(name).record.definition
    text = mathtext(definition)
    # Words such as "mean over pairs" are no formula.
    assert (text is None) == any(prose in definition for prose in (" over ", " are "))
    MathTextParser("path").parse(text or "")


CONFIGURATIONS = [lossary.get(name) for name in NAMES] + [
    lossary.get(name, from_logits=True) for name in NAMES if "from_logits" in lossary.get(name).parameters
]


@pytest.mark.parametrize("loss", CONFIGURATIONS, ids=repr)
def test_slope_is_the_derivative_of_the_drawn_value(loss: lossary.Loss) -> None:
    if loss.parameters.get("constant_weights"):  # What counts as a constant has no part in a slope.
        loss = loss.replaced(constant_weights=False)
    drawn = curve(loss)
    x, value, slope = drawn.line.x, drawn.value, drawn.slope
    assert np.ptp(value) > 0.1  # It shows something.
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


def test_curves_of_losses_with_other_arguments_have_the_known_values() -> None:
    def at(loss: str, x: float, **parameters: float) -> float:
        drawn = curve(lossary.get(loss, **parameters))
        return float(np.interp(x, drawn.line.x, drawn.value))

    assert at("gaussian_nll", 3.0) == pytest.approx(9.0 / 2)
    assert at("interval_score", 0.5) == pytest.approx(2.0)
    assert at("interval_score", -3.0, alpha=0.5) == pytest.approx(2.0 + 4.0 * 2.0)
    # One unit square beside its copy: no overlap, and a hull of 2 x 2 around areas of 2, as it moves along both axes.
    assert at("generalized_iou", 1.0) == pytest.approx(1.0 + 2.0 / 4.0, rel=1e-3)
    # Beyond all five members the loss is the distance of their mean less half their mean distance, 20/25.
    assert at("crps_ensemble", 3.0) == pytest.approx(3.0 - 0.8 / 2)
    assert at("triplet_margin", 0.0) == pytest.approx(1.0, abs=1e-2)
    assert at("triplet_margin", 2.0) == pytest.approx(3.0)
    # Softmax over five bins, and over two subjects; the gain of an action; sigmoids of both answers.
    assert at("distribution_focal", 2.0) == pytest.approx(math.log(1.0 + 4.0 * math.exp(-2.0)), rel=1e-4)
    assert at("cox_case_control", 2.0) == pytest.approx(math.log1p(math.exp(-2.0)), rel=1e-4)
    assert at("ppo_clip", 2.0) == pytest.approx(-1.2)
    assert at("apo_down", 20.0) == pytest.approx(0.5 + 1.0 / (1.0 + math.exp(-2.0)), rel=1e-4)
    assert at("multilabel_margin", -1.0) == pytest.approx((1.0 + 1.0) / 2.0, abs=1e-3)
    # Two classes of one pixel each, of both of which the sigmoid of 2 is right.
    assert at("generalized_dice", 2.0, from_logits=True) == pytest.approx(1.0 / (1.0 + math.exp(2.0)), rel=1e-4)
    assert at("implicit_quantile", -2.0) == pytest.approx(1.0)
    assert at("dpo", 0.0, beta=0.5) == pytest.approx(math.log(2.0), abs=1e-3)
    # One element of four, and 1/2 everywhere: 1 - 2 * 0.5/(1 + 2).
    assert at("dice", 0.5) == pytest.approx(2.0 / 3.0, rel=1e-4)
    assert at("tversky", 0.5, alpha=1.0, beta=0.0) == pytest.approx(1.0 - 0.5 / 2.0, rel=1e-4)


def test_every_axis_says_what_moves_and_what_is_held() -> None:
    def label(loss: str, **parameters: float) -> str:
        return curve(lossary.get(loss, **parameters)).line.label

    assert label("gaussian_nll") == "shift of mean from the target, variance = 1"
    assert label("interval_score") == "shift of (lower, upper) = (\N{MINUS SIGN}1, 1) past the target"
    assert label("triplet_margin") == "anchor, where positive = \N{MINUS SIGN}1, negative = 1"
    assert label("dpo") == "chosen, where all the others are 0"
    assert label("dice") == "probability given to the truth, in a region of 1 element in 4"
    assert label("pairwise_logistic") == "lead of the relevant item's score over 2 others"


@pytest.mark.parametrize(("name", "parameters"), [("dpo", {}), ("dpo", {"beta": 2.0}), ("slic_hinge", {})])
def test_what_is_nearly_straight_is_shown_from_further_away(name: str, parameters: dict[str, float]) -> None:
    """Whatever its numbers are, that several of them can be compared."""
    drawn = curve(lossary.get(name, **parameters))
    assert drawn.line.limits == (-30.0, 30.0)
    assert np.nanmin(np.abs(drawn.slope)) < 0.1 * np.nanmax(np.abs(drawn.slope))
    assert curve(lossary.get("bradley_terry")).line.limits == (-3.0, 3.0)


@pytest.mark.parametrize("name", ["pearson_correlation", "scale_invariant_sdr"])
def test_rows_whose_mean_does_not_count_are_a_plane_of_rows_without_one(name: str) -> None:
    loss = lossary.get(name)
    drawn = surface(loss)
    cosine = drawn.x / np.hypot(drawn.x, drawn.y)
    expected = 1.0 - cosine if name == "pearson_correlation" else -10.0 * np.log10(1.0 / (1.0 / cosine**2 - 1.0))
    inside = np.abs(expected) < 60.0  # Silence has an end.
    np.testing.assert_allclose(drawn.value[inside], expected[inside], rtol=1e-3, atol=1e-6)


def test_a_list_is_a_plane_of_scores() -> None:
    drawn = surface(lossary.PairwiseLogistic())
    # The relevant item against each of the two others, whose scores are y and 0.
    expected = (np.log1p(np.exp(drawn.y - drawn.x)) + np.log1p(np.exp(-drawn.x))) / 2
    np.testing.assert_allclose(drawn.value, expected, rtol=1e-9)
    assert drawn.own == "the relevant item"


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
        'True lossary.plot needs matplotlib, which is not installed. Install it with: pip install "lossary[plot]"'
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
        assert (DOCS / "images" / file).stat().st_size > 5_000
    make_gallery.GROUPS.clear()
    assert make_gallery.make(tmp_path, ["hinge", "huber"]) == 2
    picture = pyplot.imread(tmp_path / "images" / "hinge.png")
    assert picture.shape[0] > 300
    assert picture.shape[1] > 900
    assert picture[..., :3].std() > 0.05


# --- whose picture it is -------------------------------------------------------------------------------------------


def test_a_picture_belongs_to_its_caller() -> None:
    figures = [lossary.plot("huber") for _ in range(25)]  # From 21 on pyplot warns of those that it holds.
    figures.append(lossary.plot.history(HISTORY))
    assert not pyplot.get_fignums()
    assert figures[0]._repr_png_().startswith(b"\x89PNG")


@pytest.mark.skipif(matplotlib.__version_info__ < (3, 11), reason="matplotlib from 3.11 on takes figures of others")
def test_show_hands_the_picture_to_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(pyplot.gcf()))
    figure = lossary.plot("huber")
    figure.show()
    assert shown == [figure]


def test_axes_of_the_caller_are_drawn_into() -> None:
    figure, (left, right) = pyplot.subplots(1, 2)
    assert lossary.plot("huber", ax=left) is left
    assert not right.get_lines()
    assert left.get_ylabel() == "value"
    panels = [left, right]
    assert lossary.plot("log_cosh", "mean_squared_error", ax=panels) is panels
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels == ["huber(delta=1)", "log_cosh", "mean_squared_error"]
    assert len({line.get_color() for line in left.get_legend().get_lines()}) == 3
    assert right.get_ylabel() == "slope"
    assert left.get_ylim()[1] > 8.0  # The square reaches 9, whoever was drawn first.
    assert not figure.legends


def test_a_surface_is_drawn_into_axes_of_the_caller() -> None:
    figure, axes = pyplot.subplots()
    lossary.plot(lossary.CategoricalCrossentropy(name="ours"), ax=axes)
    assert axes.get_title() == "ours"
    assert len(figure.axes) == 2  # The scale of colours.


def test_wrong_axes_are_explained() -> None:
    _, panels = pyplot.subplots(3)
    for wrong in (3, "left", panels, [panels[0], None]):
        with pytest.raises(lossary.DTypeError, match=r"ax is .*subplots\(1, 2\)"):
            lossary.plot("huber", ax=wrong)
    lossary.plot("huber", ax=panels[0])
    with pytest.raises(lossary.ShapeError, match=r"error .* and 'margin"):
        lossary.plot("hinge", ax=panels[0])
    with pytest.raises(lossary.ShapeError, match=r"'margin.* and 'error"):
        lossary.plot("hinge", "huber", ax=panels[1])
    assert not panels[1].get_lines()


def test_the_name_of_an_object_is_its_label() -> None:
    figure = lossary.plot(lossary.Huber(name="robust"), "log_cosh")
    assert [text.get_text().split(":")[0] for text in figure.legends[0].get_texts()] == ["robust", "log_cosh"]
    (label,) = lossary.plot("huber", name="mine", delta=2.0).legends[0].get_texts()
    assert label.get_text().startswith("mine:")


def test_what_the_user_has_set_stays() -> None:
    with pyplot.style.context("dark_background"):
        figure = lossary.plot("huber", "categorical_crossentropy")
        (text, *_) = (text for axes in figure.axes for text in axes.texts)
    assert matplotlib.colors.to_hex(figure.get_facecolor()) == "#000000"
    assert matplotlib.colors.to_hex(text.get_color()) == "#ffffff"
    with pyplot.rc_context({"axes.prop_cycle": cycler(color=["#123456"]), "axes.grid": False, "font.size": 20}):
        value = lossary.plot("huber").axes[0]
    assert value.get_lines()[0].get_color() == "#123456"
    assert value.yaxis.label.get_size() == 20
    assert matplotlib.colors.to_hex(lossary.plot("huber").get_facecolor()) == "#ffffff"


def test_fonts_of_east_asia_are_fallen_back_on_where_they_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    fonts = [SimpleNamespace(name=name) for name in ("Noto Sans CJK SC", "SimHei", "Comic Sans")]
    monkeypatch.setattr(matplotlib.font_manager.fontManager, "ttflist", fonts)
    assert settings()["font.family"] == ["sans-serif", "Noto Sans CJK SC", "SimHei"]
    with pyplot.rc_context({"font.family": "serif"}):
        assert settings()["font.family"][:2] == ["serif", "Noto Sans CJK SC"]


@pytest.mark.parametrize("loss", ["huber", "categorical_crossentropy"])  # A legend, and a title.
def test_a_formula_beside_a_name_of_east_asia_is_set_in_its_font(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossary.show._style._EAST_ASIAN", ("STIXGeneral",))  # Which is always there.
    for name, first in (("\u635f\u5931", "STIXGeneral"), ("mine", "sans-serif")):
        figure = lossary.plot(lossary.get(loss, name=name))
        (text,) = (text for text in figure.findobj(matplotlib.text.Text) if name in text.get_text())
        assert "$" in text.get_text()
        assert text.get_family()[0] == first


# --- surfaces of row losses ----------------------------------------------------------------------------------------

ROWS = [loss for loss in CONFIGURATIONS if surface(loss) is not None]


def places(drawn: Surface) -> np.ndarray:
    """The shares of the three classes at every place of a triangle."""
    height = drawn.y / math.sqrt(0.75)
    return np.stack([height, 1.0 - drawn.x - height / 2, drawn.x - height / 2], -1)


def at(drawn: Surface, *shares: float) -> int:
    """The place with these shares."""
    return int(np.abs(places(drawn) - shares).max(-1).argmin())


def test_row_losses_have_surfaces_and_others_do_not() -> None:
    names = {loss.record.name for loss in ROWS}
    assert {"categorical_crossentropy", "sparse_categorical_crossentropy", "kl_divergence", "categorical_hinge"} < names
    assert "cosine_similarity" in names
    assert not names & {"mean_squared_error", "hinge", "binary_crossentropy", "poisson", "dice", "crps_ensemble"}


@pytest.mark.parametrize("name", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_crossentropy_over_the_triangle(name: str) -> None:
    drawn = surface(lossary.get(name))
    # -log p of the true class, and its derivative -1/p.
    for shares, p in (((0.2, 0.4, 0.4), 0.2), ((0.5, 0.5, 0.0), 0.5), ((0.8, 0.0, 0.2), 0.8)):
        assert drawn.value[at(drawn, *shares)] == pytest.approx(-math.log(p), abs=1e-6)
        assert drawn.slope[at(drawn, *shares)] == pytest.approx(-1 / p, rel=1e-6)
    assert drawn.mark == (0.5, math.sqrt(0.75))
    assert drawn.value.argmin() == at(drawn, 1.0, 0.0, 0.0)


def test_divergence_over_the_triangle_is_least_at_the_target() -> None:
    drawn = surface(lossary.KLDivergence())
    nearest = drawn.value.argmin()
    assert (drawn.x[nearest], drawn.y[nearest]) == pytest.approx(drawn.mark, abs=1e-2)
    third = at(drawn, 1 / 3, 1 / 3, 1 / 3)
    # log 3 less the entropy of (0.7, 0.2, 0.1); -0.7/(1/3) + 0.3/(2/3).
    assert drawn.value[third] == pytest.approx(
        math.log(3) + 0.7 * math.log(0.7) + 0.2 * math.log(0.2) + 0.1 * math.log(0.1)
    )
    assert drawn.slope[third] == pytest.approx(-2.1 + 0.45)


def test_scores_against_the_third_class() -> None:
    drawn = surface(lossary.CategoricalCrossentropy(from_logits=True))
    total = np.exp(drawn.x) + np.exp(drawn.y) + 1.0
    np.testing.assert_allclose(drawn.value, np.log(total) - drawn.x, rtol=1e-9)
    np.testing.assert_allclose(drawn.slope, np.exp(drawn.x) / total - 1.0, rtol=1e-7, atol=1e-12)
    drawn = surface(lossary.CategoricalHinge())
    np.testing.assert_allclose(drawn.value, np.maximum(0.0, 1.0 + np.maximum(drawn.y, 0.0) - drawn.x), atol=1e-12)


def test_a_plateau_lies_on_one_side_of_its_level() -> None:
    (slope,) = (axes for axes in lossary.plot("total_variation_distance").axes[1:2])
    assert slope.collections[0].cvalues[0] > -1.0  # No colour below the least slope, which is -1 but for rounding.


def test_cosine_over_the_plane() -> None:
    drawn = surface(lossary.CosineSimilarity())
    square = drawn.x**2 + drawn.y**2
    np.testing.assert_allclose(drawn.value, -drawn.x / np.sqrt(square), rtol=1e-9)
    np.testing.assert_allclose(drawn.slope, np.abs(drawn.y) / square, rtol=1e-7)


@pytest.mark.parametrize("loss", [loss for loss in ROWS if surface(loss).rows == "shares"], ids=repr)
def test_the_slope_in_the_triangle_is_the_change_towards_the_true_class(loss: lossary.Loss) -> None:
    drawn = surface(loss)
    one_hot = isinstance(loss.record.target, OneHot)
    true = 0 if loss.record.labels_are_integers else [1.0, 0.0, 0.0] if one_hot else [0.7, 0.2, 0.1]
    for shares in ((0.2, 0.4, 0.4), (0.4, 0.4, 0.2), (0.6, 0.1, 0.3)):
        here, step = np.array(shares), 1e-6
        towards = (np.array([1.0, 0.0, 0.0]) - here) / (1.0 - here[0])
        below, above = (float(loss([true], [here + sign * step * towards])) for sign in (-1, 1))
        assert drawn.slope[at(drawn, *shares)] == pytest.approx((above - below) / (2 * step), rel=1e-4)


@pytest.mark.parametrize("loss", ROWS, ids=repr)
def test_contours_are_round_increasing_and_enough(loss: lossary.Loss) -> None:
    drawn = surface(loss)
    for heights in (drawn.value, drawn.slope):
        levels = _levels(heights)
        assert (np.diff(levels) > 0).all()
        assert 5 <= len(levels) <= 13
        assert all(float(f"{level:.3g}") == pytest.approx(level, abs=1e-12) for level in levels)
        # Most of the plane lies between them.
        assert ((heights >= levels[0]) & (heights <= levels[-1])).mean() > 0.7


def test_a_row_loss_alone_is_a_surface_with_words() -> None:
    figure = lossary.plot("categorical_crossentropy", lossary.SparseCategoricalCrossentropy(from_logits=True))
    triangle, _, plane, _ = (axes for axes in figure.axes if axes.get_label() != "<colorbar>")
    bars = [axes.get_ylabel() for axes in figure.axes if axes.get_label() == "<colorbar>"]
    assert bars[:2] == ["value", "slope towards the true class"]
    assert bars[2:] == ["value", "slope along the logit of the true class"]
    words = [text.get_text() for text in triangle.texts]
    assert {"the true class", "another class", "a third class", "probability of the true class"} < set(words)
    assert plane.get_xlabel() == "logit of the true class"
    assert plane.get_ylabel() == "logit of another class, the third's being 0"
    titles = [part.get_suptitle() for part in figure.subfigs]
    assert titles[0].startswith("categorical_crossentropy:   $")
    assert r"\mathrm{softmax}(z)" in titles[1]


def test_row_losses_on_one_axis_are_compared_as_curves() -> None:
    figure = lossary.plot("categorical_crossentropy", lossary.CategoricalCrossentropy(label_smoothing=0.2))
    assert [axes.get_ylabel() for axes in figure.axes] == ["value", "slope"]
    assert len(figure.axes[0].get_lines()) == 3


@pytest.mark.costly
def test_nothing_written_overlaps() -> None:
    figure = lossary.plot("categorical_crossentropy", "kl_divergence", "cosine_similarity", "huber")
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and not text.get_rotation() % 90
    ]
    page = figure.bbox
    for number, (name, box) in enumerate(boxes):
        assert page.x0 <= box.x0, name
        assert box.x1 <= page.x1, name
        for other, beside in boxes[:number]:
            width = min(box.x1, beside.x1) - max(box.x0, beside.x0)
            height = min(box.y1, beside.y1) - max(box.y0, beside.y0)
            assert min(width, height) <= 1.0, f"{name!r} lies on {other!r}"


def test_a_parameter_that_no_loss_has_is_refused_in_words() -> None:
    with pytest.raises(lossary.ParameterError) as caught:
        lossary.plot("mse", delta=2.0)
    assert str(caught.value) == "mean_squared_error: unknown parameter 'delta'; it takes none. Leave delta= out"


@pytest.mark.parametrize("name", ["kto", "complete_iou", "cosine_embedding", "hausdorff_distance_transform", "huber"])
def test_what_an_axis_shows_fits_under_it(name: str) -> None:
    figure = lossary.plot(name)
    drawn = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    for axes in figure.axes:
        assert axes.xaxis.label.get_window_extent(drawn).width <= axes.bbox.width
