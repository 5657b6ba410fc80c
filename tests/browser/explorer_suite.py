"""The explorer as a reader has it, from the local file system: ``make docs-test``."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By

from explored import TOLD, calls
from nodejs import close

BUILT = Path(__file__).resolve().parents[2] / "docs" / "_build"
LANGUAGES = ("en", "zh")
DRAWING = "#loss-explorer svg.plot"
# What the page is asked.
NAMELESS = """return [...document.querySelectorAll('#loss-explorer :is(button, input, select, a, [tabindex])')]
  .filter(each => each.getClientRects().length && !(each.getAttribute('aria-label') || each.textContent.trim()
    || (each.labels && each.labels.length) || each.getAttribute('aria-labelledby'))).map(each => each.outerHTML)"""
PICTURE = """return [...document.querySelectorAll('#loss-explorer .view :is(svg, canvas)')]
  .map(each => each.tagName === 'CANVAS' ? each.toDataURL() : each.innerHTML).join()"""
PAINTED = """const canvas = document.querySelector('#loss-explorer canvas');
  return [...canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height - 3, 1, 1).data]"""
COLOURS = """return [...document.querySelectorAll('#loss-explorer ' + arguments[1])]
  .map(each => getComputedStyle(each)[arguments[0]])"""
RIGHT_ENDS = (
    "return [...document.querySelectorAll('#loss-explorer svg')].map(each => each.getBoundingClientRect().right)"
)
LOADED = """return [...document.querySelectorAll('script[src], link[rel=stylesheet], link[rel=preload], img')]
  .map(each => each.src || each.href).concat(performance.getEntriesByType('resource').map(each => each.name))"""


@pytest.fixture
def local(browser: Any) -> Any:
    """The site from the local file system."""
    browser.home = (BUILT / "html").as_uri()
    return browser


@pytest.fixture
def explore(local: Any) -> Callable[..., Any]:
    """Opens the explorer at an address."""

    def opened(state: str = "", language: str = "en", **seen: Any) -> Any:
        local.driver.get("about:blank")
        local.open(f"{language}/explorer.html{f'#{state}' if state else ''}", **seen)
        local.wait("#loss-explorer[data-ready] .view")
        return local.driver

    return opened


def one(browser: Any, selector: str) -> Any:
    return browser.find_element(By.CSS_SELECTOR, selector)


def button(browser: Any, text: str) -> Any:
    return browser.find_element(By.XPATH, f"//div[@id='loss-explorer']//button[text()='{text}']")


def numbers(browser: Any) -> dict[str, list[str]]:
    """The table's rows by loss, once everything has come to rest."""
    time.sleep(0.35)
    rows = browser.find_elements(By.CSS_SELECTOR, "#loss-explorer .numbers tbody tr")
    return {
        row.find_element(By.TAG_NAME, "th").text: [
            cell.text.replace("\N{MINUS SIGN}", "-") for cell in row.find_elements(By.TAG_NAME, "td")
        ]
        for row in rows
    }


def address(browser: Any) -> dict[str, str]:
    time.sleep(0.35)
    fragment = browser.execute_script("return decodeURI(location.hash.slice(1))")
    return dict(part.split("=", 1) for part in fragment.split("&"))


def dragged(browser: Any, element: Any, right: int, down: int) -> None:
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    ActionChains(browser, duration=50).click_and_hold(element).move_by_offset(right, down).release().perform()


def test_numbers_in_the_browser_are_those_of_numpy(explore: Any) -> None:
    script, expected = calls()
    browser = explore()
    text = browser.execute_script(f"const site = lossaryExplorer; return JSON.stringify({script}, {TOLD});")
    for got, (name, wanted) in zip(json.loads(text), expected, strict=True):
        close(got, wanted, name)


def test_prediction_and_target_are_dragged(explore: Any) -> None:
    browser = explore("losses=mean_squared_error;mean_absolute_error&at.real=1;-1")
    assert numbers(browser) == {
        "mean_squared_error": ["4", "-4", "1", "0", "1"],
        "mean_absolute_error": ["2", "-1", "1", "0", "1"],
    }
    dragged(browser, one(browser, f"{DRAWING} .prediction"), 150, 0)
    dragged(browser, one(browser, f"{DRAWING} .target"), -60, 0)
    target, prediction = map(float, address(browser)["at.real"].split(";"))
    assert prediction > -0.5
    assert target < 0.9
    told = numbers(browser)
    assert float(told["mean_squared_error"][0]) == pytest.approx((prediction - target) ** 2, rel=1e-3)
    assert float(told["mean_squared_error"][1]) == pytest.approx(2 * (prediction - target), rel=1e-3)
    assert float(told["mean_absolute_error"][2]) == pytest.approx(target, abs=1e-3)


def test_fingers_drag(explore: Any) -> None:
    browser = explore("losses=huber&at.real=1;-1")
    handle = one(browser, f"{DRAWING} .prediction")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", handle)
    actions = ActionBuilder(browser, mouse=PointerInput("touch", "finger"), duration=50)
    actions.pointer_action.move_to(handle).pointer_down().move_by(120, 0).pointer_up()
    actions.perform()
    assert float(address(browser)["at.real"].split(";")[1]) > -0.6


def test_keys_move(explore: Any) -> None:
    browser = explore("losses=huber&at.real=1;-1")
    handle = one(browser, f"{DRAWING} .prediction")
    assert handle.get_attribute("role") == "slider"
    for keys, now in ((Keys.ARROW_RIGHT, -0.9), (Keys.SHIFT + Keys.ARROW_LEFT, -1.9), (Keys.HOME, -4), (Keys.END, 4)):
        handle.send_keys(keys)
        time.sleep(0.1)
        assert float(handle.get_attribute("aria-valuenow")) == pytest.approx(now)
    field = one(browser, "#loss-explorer .picked-loss input[type=range]")
    field.send_keys(Keys.ARROW_RIGHT)
    assert "huber(delta=1.1)" in address(browser)["losses"]
    time.sleep(0.6)
    assert "huber" in one(browser, "#loss-explorer [aria-live]").get_attribute("textContent")


def test_everything_can_be_reached_by_tab_and_has_a_name(explore: Any) -> None:
    browser = explore("losses=huber;categorical_crossentropy;gaussian_nll")
    assert browser.execute_script(NAMELESS) == []


STATES = {
    "curves": "losses=huber(delta=0.7);mean_squared_error&at.real=0.5;-1.25",
    "triangle": "losses=categorical_crossentropy;brier&at.shares=0.7,0.2,0.1;0.15,0.6,0.25",
    "square": "losses=multi_margin;sparsemax&at.scores=1,0,0;-0.5,1.5,0",
    "several": "losses=gaussian_nll(full=True)&at.y_true.y_pred_mean.y_pred_variance=1,0.5,2;2",
    "border": "losses=hinge;exponential&view=data&data=border&border=1,2,0;0.5,-1,1;0,0,1;-1,-1,0&steps=25&rate=0.1",
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_a_link_shows_the_same_picture(explore: Any, state: str) -> None:
    browser = explore(state)
    first = browser.execute_script(PICTURE)
    browser.execute_script("window.copied = []; navigator.clipboard.writeText = async text => window.copied.push(text)")
    button(browser, "Copy link").click()
    link = browser.execute_script("return window.copied[0]")
    assert link.split("#")[1].replace("%22", '"') == state
    button(browser, "Start over").click()
    time.sleep(0.3)
    assert browser.execute_script(PICTURE) != first
    explore(link.split("#")[1])
    assert browser.execute_script(PICTURE) == first


def test_a_changed_address_changes_the_picture(explore: Any) -> None:
    browser = explore()
    browser.find_element(By.PARTIAL_LINK_TEXT, "Three quantiles").click()
    assert list(numbers(browser)) == ["pinball"]
    assert len(browser.find_elements(By.CSS_SELECTOR, "#loss-explorer .fitted")) == 3
    button(browser, "From the start").click()
    assert "steps" not in address(browser)
    browser.execute_script("location.hash = 'how-it-works'")
    assert list(numbers(browser)) == ["pinball"]
    assert browser.execute_script("return location.hash") == "#how-it-works"


def test_losses_are_found_and_picked(explore: Any) -> None:
    browser = explore("losses=")
    field = one(browser, "#loss-explorer [role=combobox]")
    field.send_keys("SmoothL1Loss")
    assert field.get_attribute("aria-expanded") == "true"
    field.send_keys(Keys.ENTER)
    field.send_keys("pseudo", Keys.ENTER)
    assert address(browser)["losses"] == "smooth_l1;pseudo_huber"
    code = one(browser, "#loss-explorer .picked-loss code")
    assert code.text.replace("\n", "") == "lossary.SmoothL1()"
    number = one(browser, "#loss-explorer .picked-loss input[type=number]")
    number.send_keys(Keys.CONTROL, "a")
    number.send_keys("0.25", Keys.TAB)
    assert address(browser)["losses"] == "smooth_l1(beta=0.25);pseudo_huber"
    assert code.text.replace("\n", "") == "lossary.SmoothL1(beta=0.25)"
    browser.find_element(By.CSS_SELECTOR, "#loss-explorer .away").click()
    assert address(browser)["losses"] == "pseudo_huber"


def test_maps_of_classes(explore: Any) -> None:
    browser = explore("losses=categorical_crossentropy;sparse_categorical_crossentropy&at.shares=1,0,0;0.2,0.5,0.3")
    told = numbers(browser)
    assert told["categorical_crossentropy"][0] == told["sparse_categorical_crossentropy"][0] == f"{-np.log(0.2):.3f}"
    assert browser.execute_script(PAINTED)[3] == 255
    dragged(browser, one(browser, "#loss-explorer .map .prediction"), 0, -60)
    now = [float(x) for x in address(browser)["at.shares"].split(";")[1].split(",")]
    assert now[0] > 0.3
    assert sum(now) == pytest.approx(1.0, abs=2e-3)
    assert float(numbers(browser)["categorical_crossentropy"][0]) == pytest.approx(-np.log(now[0]), rel=1e-3)


def test_lines_follow_the_points(explore: Any) -> None:
    browser = explore("losses=mean_squared_error;mean_absolute_error&view=data&line=-2,-2;-1,-1;0,0;1,1;2,2&steps=end")
    assert [told[0] for told in numbers(browser).values()] == ["0 + 1 x", "0 + 1 x"]
    points = browser.find_elements(By.CSS_SELECTOR, f"{DRAWING} .point")
    dragged(browser, points[4], 0, 120)
    rows = np.array([row.split(",") for row in address(browser)["line"].split(";")], float)
    assert rows[4, 1] < 1.0
    slope, at = np.polyfit(rows[:, 0], rows[:, 1], 1)
    told = numbers(browser)
    found = [float(x) for x in re.findall(r"-?\d+\.?\d*", told["mean_squared_error"][0].replace("- ", "-"))]
    np.testing.assert_allclose(found, [at, slope], atol=6e-4)
    assert told["mean_absolute_error"][0] == "0 + 1 x"
    ActionChains(browser).move_to_element_with_offset(one(browser, DRAWING), -200, -100).click().perform()
    assert len(address(browser)["line"].split(";")) == 6
    browser.find_elements(By.CSS_SELECTOR, f"{DRAWING} .point")[5].send_keys(Keys.DELETE)
    assert len(address(browser)["line"].split(";")) == 5
    assert "point" in browser.switch_to.active_element.get_attribute("class")
    button(browser, "Add an outlier").click()
    assert len(address(browser)["line"].split(";")) == 6


def test_a_wrong_label_moves_the_border(explore: Any) -> None:
    browser = explore("losses=binary_crossentropy;hinge&view=data&data=border&steps=end")
    before = numbers(browser)
    button(browser, "Give a wrong label").click()
    after = numbers(browser)
    assert [before[name][3] for name in before] == ["2 of 18", "2 of 18"]
    assert all(int(after[name][3].split()[0]) >= 3 for name in after)
    assert all(before[name][0] != after[name][0] for name in before)


def test_steps_run_and_stop(explore: Any) -> None:
    browser = explore("losses=huber&view=data")
    button(browser, "Step").click()
    assert address(browser)["steps"] == "1"
    button(browser, "Run").click()
    time.sleep(0.7)
    button(browser, "Pause").click()
    stopped = int(address(browser)["steps"])
    assert stopped > 3
    time.sleep(0.3)
    assert int(address(browser)["steps"]) == stopped
    calm = {"name": "prefers-reduced-motion", "value": "reduce"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [calm]})
    button(browser, "Run").click()
    assert int(address(browser)["steps"]) == stopped + 100


def _contrast(first: str, second: str) -> float:
    def light(colour: str) -> float:
        parts = np.array([float(x) for x in re.findall(r"[\d.]+", colour)[:3]]) / 255.0
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((light(first), light(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_stand_out_in_both_schemes(explore: Any, scheme: str) -> None:
    browser = explore("losses=huber;hinge;poisson;pinball;log_cosh;expectile;cauchy", scheme=scheme)
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    curves = browser.execute_script(COLOURS, "stroke", ".curve")
    assert len(set(curves)) == 7
    assert all(_contrast(colour, paper) >= 3.0 for colour in curves)
    texts = browser.execute_script(COLOURS, "color", ":is(.numbers :is(td, caption), code, label, button:not([role]))")
    assert all(_contrast(colour, paper) >= 4.5 for colour in texts)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", ["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_fit_their_screen(local: Any, explore: Any, language: str, width: str, scheme: str) -> None:
    for name, state in {"first": "", **STATES}.items():
        explore(state, language, width=width, scheme=scheme)
        local.run("document.querySelector('#loss-explorer .view').scrollIntoView()")
        local.shot(f"explorer-{name}-{language}-{scheme}-{width}")
        assert local.run("return document.documentElement.scrollWidth <= innerWidth")
        assert max(local.run(RIGHT_ENDS)) <= local.run("return innerWidth")


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_losses_lead_here(local: Any, language: str) -> None:
    local.open(f"{language}/losses/huber.html")
    browser = local.driver
    one(browser, "a.explore").click()
    assert list(numbers(browser)) == ["huber"]
    assert one(browser, "#loss-explorer .picked-loss header a").get_attribute("href").endswith("/losses/huber.html")


def test_chinese_interface(explore: Any) -> None:
    browser = explore("losses=huber;gaussian_nll;brier", "zh")
    shown = one(browser, "#loss-explorer").text
    assert re.search("[\u4e00-\u9fff]", shown)
    assert not re.search(r"\b(Copy|value|slope|prediction|target)\b", shown)


def test_nothing_comes_from_elsewhere(explore: Any) -> None:
    browser = explore()
    loaded = browser.execute_script(LOADED)
    assert any("losses.js" in name for name in loaded)
    assert all(name.startswith(("file:", "data:")) for name in loaded)
