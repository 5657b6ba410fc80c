"""The site as a reader has it: ``make docs-test``."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import pytest

PAGES = ("index", "start", "choose", "migrate", "own", "losses/huber", "losses/circle", "peers")


def found(link) -> str:
    return urlsplit(link.get_attribute("href")).path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["wide", "narrow"])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_its_screen(browser, page, language, width, scheme):
    browser.open(f"{language}/{page}.html", width, scheme)
    browser.shot(f"{page.replace('/', '-')}-{language}-{scheme}-{width}")
    assert browser.run("return document.documentElement.dataset.theme") == scheme
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.run("return document.documentElement.lang") == {"en": "en", "zh": "zh-CN"}[language]


SEARCHED = [
    ("HuberLoss", "huber"),
    ("softmax_cross_entropy_with_integer_labels", "sparse_categorical_crossentropy"),
    ("reg:tweedie", "tweedie_deviance"),
]


@pytest.mark.parametrize(("words", "loss"), SEARCHED)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_search_finds_a_loss_by_the_name_that_another_library_has_for_it(browser, language, words, loss):
    browser.open(f"{language}/search.html?q={quote(words)}")
    browser.wait("#search-results ul.search li")
    assert f"/{language}/losses/{loss}.html" in {found(link) for link in browser.all("#search-results li > a")}


@pytest.mark.parametrize(
    ("words", "loss"), [("目标值的分位数", "pinball"), ("深度图", "scale_invariant_logarithmic_error")]
)
def test_search_finds_a_loss_by_what_it_is_for_in_chinese(browser, words, loss):
    browser.open(f"zh/search.html?q={quote(words)}")
    browser.wait("#search-results ul.search li")
    assert f"/zh/losses/{loss}.html" in {found(link) for link in browser.all("#search-results li > a")}


def test_a_chosen_tab_is_chosen_on_the_next_page(browser):
    browser.open("en/losses/huber.html")
    next(tab for tab in browser.all("label.sd-tab-label") if tab.text == "JAX").click()
    browser.open("en/losses/log_cosh.html")
    assert "jax" in browser.wait(".sd-tab-content").text


@pytest.mark.parametrize(("language", "other", "name"), [("en", "zh", "中文"), ("zh", "en", "English")])
@pytest.mark.parametrize("place", ["losses/huber.html#formula", "start.html#a-first-model"])
def test_the_other_language_shows_the_same_place(browser, language, other, name, place):
    browser.open(f"{language}/{place}")
    link = browser.wait("a.language")
    assert link.text == name
    link.click()
    assert browser.driver.current_url == f"{browser.home}/{other}/{place}"
    assert browser.run("return document.getElementById(location.hash.slice(1)) !== null")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [1200, 1300, 1400])
def test_the_top_bar_is_one_line(browser, language, width):
    browser.open(f"{language}/index.html", width)
    assert browser.run("return document.querySelector('.bd-header').offsetHeight") < 90
