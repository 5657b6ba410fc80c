"""The explorer's scripts in node: what they say of losses, the address, and what they fit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from tools.pages import explorer

import lossary
from explored import TOLD, calls, losses, pure
from nodejs import close, node

LINE = np.array(
    [[-2.6, -1.5], [-2.2, -1.0], [-1.3, -0.4], [-0.9, -0.55], [0.0, -0.15], [0.5, 0.5], [1.3, 0.9], [2.1, 1.35],
     [2.4, -2.4]]
)  # fmt: skip
BORDER = np.array(
    [[-2.2, -1.2, 0], [-1.6, -0.3, 0], [-1.9, 0.7, 0], [-0.8, 0.2, 0], [0.9, 0.3, 0], [0.1, -1.7, 0],
     [1.7, 1.1, 1], [1.2, 0.2, 1], [0.7, 1.3, 1], [1.5, -1.0, 1], [-0.6, -0.2, 1], [2.3, 0.8, 1]]
)  # fmt: skip


@pytest.fixture(scope="module")
def ask() -> Any:
    """Asks for several expressions at once, as each start of node costs time."""
    return lambda **asked: json.loads(
        node(f"{pure()}\nconsole.log(JSON.stringify({{{', '.join(f'{k}: {v}' for k, v in asked.items())}}}, {TOLD}));")
    )


@pytest.mark.costly
def test_numbers_are_those_of_numpy(ask: Any) -> None:
    script, expected = calls()
    for got, (name, wanted) in zip(ask(found=script)["found"], expected, strict=True):
        close(got, wanted, name)


def test_script_is_of_a_size_to_load() -> None:
    assert len(losses().encode()) < 320_000


def _fit(names: list[str], data: str, points: Any) -> str:
    state = {"data": data, data: points.tolist(), "rate": 0.2}
    fitted = f"site.fit.fitted({{...{json.dumps(state)}, steps: Infinity}}, site.picks.read(text))"
    return f"{json.dumps(names)}.map(text => {fitted}).map(({{ weights, least }}) => ({{ weights, least }}))"


def test_lines_are_those_of_others(ask: Any) -> None:
    from scipy.optimize import minimize
    from sklearn.linear_model import LinearRegression, QuantileRegressor

    x, y = LINE[:, :1], LINE[:, 1]
    names = [
        "mean_squared_error",
        "mean_absolute_error",
        "pinball(quantile=0.9)",
        "pinball(quantile=0.2)",
        "huber(delta=0.3)",
    ]
    found = ask(found=_fit(names, "line", LINE))["found"]
    squares = LinearRegression().fit(x, y)
    np.testing.assert_allclose(found[0]["weights"], [squares.intercept_, *squares.coef_], atol=1e-8)
    for got, level in zip(found[1:4], (0.5, 0.9, 0.2), strict=True):
        # Several lines may be as good as each other: what counts is how good.
        line = QuantileRegressor(quantile=level, alpha=0.0).fit(x, y)
        error = y - line.predict(x)
        least = np.mean(np.maximum(level * error, (level - 1.0) * error)) * (2.0 if level == 0.5 else 1.0)
        assert got["least"] == pytest.approx(least, abs=1e-8)

    def huber(weights: Any) -> float:
        error = np.abs(y - weights[0] - weights[1] * x[:, 0])
        return float(np.mean(np.where(error < 0.3, 0.5 * error**2, 0.3 * (error - 0.15))))

    best = minimize(huber, [0.0, 0.5], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14, "maxiter": 4000})
    np.testing.assert_allclose(found[4]["weights"], best.x, atol=1e-6)


def test_borders_are_those_of_others(ask: Any) -> None:
    from scipy.optimize import linprog
    from sklearn.linear_model import LogisticRegression

    x, labels = BORDER[:, :2], BORDER[:, 2]
    found = ask(found=_fit(["binary_crossentropy", "soft_margin", "hinge"], "border", BORDER))["found"]
    other = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10000).fit(x, labels)
    for got in found[:2]:
        np.testing.assert_allclose(got["weights"], [other.intercept_[0], *other.coef_[0]], atol=1e-5)
    signs, n = 2.0 * labels - 1.0, len(x)
    sides = np.hstack([-signs[:, None] * np.hstack([np.ones((n, 1)), x]), -np.eye(n)])
    linear = linprog(
        [0, 0, 0, *[1.0 / n] * n], A_ub=sides, b_ub=-np.ones(n), bounds=[(None, None)] * 3 + [(0, None)] * n
    )
    assert found[2]["least"] == pytest.approx(linear.fun, abs=1e-7)


def test_descent_follows_the_slope(ask: Any) -> None:
    state = {"data": "line", "line": LINE.tolist(), "rate": 0.1, "steps": 3}
    got = ask(found=f'site.fit.fitted({json.dumps(state)}, site.picks.read("mean_squared_error")).weights')["found"]
    x = (LINE[:, 0] - LINE[:, 0].mean()) / LINE[:, 0].std()
    rows, weights = np.stack([np.ones_like(x), x], -1), np.zeros(2)
    for _ in range(3):
        weights = weights - 0.1 * 2.0 * (rows @ weights - LINE[:, 1]) @ rows / len(x)
    slope = weights[1] / LINE[:, 0].std()
    np.testing.assert_allclose(got, [weights[0] - slope * LINE[:, 0].mean(), slope], rtol=1e-12)


ADDRESSES = [
    "losses=huber(delta=0.7);mean_squared_error&at.real=0.5;-1.25",
    "losses=aft_nll(distribution=%22logistic%22,sigma=0.5)&at.y_true_lower.y_true_upper.y_pred=1,2,0.4;2",
    "losses=categorical_crossentropy(label_smoothing=0.1)&at.shares=0.7,0.2,0.1;0.15,0.6,0.25",
    "losses=hinge;binary_crossentropy(from_logits=True)&view=data&data=border&border=1,2,0;0.5,-1,1;0,0,1&steps=end",
    "losses=mean_absolute_error&view=data&line=0,0;1,2.25&steps=40&rate=0.05",
    "losses=",
]


def test_an_address_and_its_picture_say_the_same(ask: Any) -> None:
    got = ask(found=f"{json.dumps(ADDRESSES)}.map(each => site.state.written(site.state.read('#' + each)))")["found"]
    assert got == ADDRESSES


def test_a_wrong_address_is_read_as_far_as_it_goes(ask: Any) -> None:
    half = "losses=huber(delta=-1);nonsense;hinge(x=1)&at.real=a;b&steps=-4&rate=9&line=1&view=x"
    wrong = [half, "%E0%A4%A=1&&=", ""]
    got = ask(found=f"{json.dumps(wrong)}.map(each => site.state.written(site.state.read(each)))")["found"]
    first = "losses=mean_squared_error;mean_absolute_error;huber"
    assert got == ["losses=huber;hinge", first, first]


def test_lines_of_code_make_the_losses(ask: Any) -> None:
    texts = ["huber(delta=0.7)", 'aft_nll(distribution="extreme")', "dice(squared=True,from_logits=True,smooth=1.0)"]
    lines = ask(found=f"{json.dumps(texts)}.map(each => site.picks.line(site.picks.read(each)))")["found"]
    assert [repr(eval(line, {"lossary": lossary})) for line in lines] == [
        repr(lossary.Huber(delta=0.7)),
        repr(lossary.AFTNLL(distribution="extreme")),
        repr(lossary.Dice(squared=True, from_logits=True, smooth=1.0)),
    ]  # fmt: skip


def test_minima_and_starts(ask: Any) -> None:
    pictures = {
        "pinball": "losses=pinball(quantile=0.9)&at.real=0.5;-1",
        "hinge": "losses=hinge&at.score=0.8;0",
        "odds": "losses=binary_crossentropy(from_logits=True)&at.score=0.8;0",
        "shares": "losses=sparse_categorical_crossentropy&at.shares=0.7,0.2,0.1;0.2,0.2,0.6",
        "insensitive": "losses=epsilon_insensitive(epsilon=0.5)&at.real=1;0",
    }
    script = """(text => {
  const [panel] = site.scenes.panels(site.state.read(text));
  return site.scenes.numbers(panel, panel.losses[0]);
})"""
    got = ask(**{name: f"{script}({json.dumps(text)})" for name, text in pictures.items()})
    assert got["pinball"]["best"]["x"] == pytest.approx(0.5, abs=1e-6)
    assert got["pinball"]["began"] == pytest.approx(0.45)
    assert got["hinge"]["best"]["x"] == pytest.approx(1.0, abs=1e-6)
    assert got["odds"]["best"]["x"] == pytest.approx(np.log(4.0), abs=1e-5)
    assert got["odds"]["began"] == pytest.approx(np.log(2.0))
    np.testing.assert_allclose(got["shares"]["best"]["x"], [0.7, 0.2, 0.1], atol=1e-4)
    assert got["shares"]["value"] == pytest.approx(-0.9 * np.log(0.2) - 0.1 * np.log(0.6))
    assert got["insensitive"]["best"]["from"] == pytest.approx(0.5, abs=0.02)
    assert got["insensitive"]["best"]["to"] == pytest.approx(1.5, abs=0.02)


@pytest.mark.costly
def test_every_picture_can_be_made(ask: Any) -> None:
    script = """site.losses.flatMap(known => known.variants.map(({ when }) => {
  const state = { ...site.state.fresh(), losses: [{ name: known.name, given: when }] };
  const [panel] = site.scenes.panels(state), { value, slope, best } = site.scenes.numbers(panel, panel.losses[0]);
  return [known.name, value, [].concat(slope), best.value];
}))"""
    for name, value, slopes, least in ask(found=script)["found"]:
        assert np.isfinite(np.array([value, *slopes], float)).all(), name
        assert np.isnan(float(least)) or float(least) <= value + 1e-9, name


def test_search_finds_names_of_other_libraries(ask: Any) -> None:
    asked = ["huber", "BCEWithLogitsLoss", "quantile", "mse", "L1Loss"]
    got = ask(found=f"{json.dumps(asked)}.map(each => site.picks.search(each).map(known => known.name))")["found"]
    assert got[0][0] == "huber"
    assert "binary_crossentropy" in got[1] or not got[1]
    assert "pinball" in got[2]
    assert got[3][0] == "mean_squared_error"
    assert got[4][0] == "mean_absolute_error"


def test_texts_are_collected() -> None:
    assert {"Copy link", "{} steps", "Fit to data"} <= set(explorer.interface())
