"""What tests of the built site share: a server on this machine, and the system's Chromium."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

BUILT = Path(__file__).resolve().parents[2] / "docs" / "_build"
MISSING = "no {}; install Chromium and its driver: apt-get install chromium chromium-driver fonts-noto-cjk"
WIDTHS = {"wide": (1400, 1000), "narrow": (390, 844)}


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing of it."""

    def log_message(self, *_: object) -> None:
        pass


class Browser:
    """Chromium on a page of the site."""

    def __init__(self, driver: Any, home: str) -> None:
        self.driver, self.home = driver, home

    def open(self, page: str, width: str | int = "wide", scheme: str = "light") -> None:
        """Shows a page, ``"en/start.html"``, as a screen of this width and a reader of this colour scheme see it."""
        self.size(width)
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        self.driver.get(f"{self.home}/{page}")

    def size(self, width: str | int) -> None:
        """A window narrower than 500 pixels is only had by pretending."""
        wide, high = (width, 900) if isinstance(width, int) else WIDTHS[width]
        metrics = {"width": wide, "height": high, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of JavaScript with a ``return`` in it."""
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[Any]:
        """All elements of a CSS selector that are seen."""
        return [found for found in self.driver.find_elements("css selector", selector) if found.is_displayed()]

    def wait(self, selector: str, seconds: float = 10) -> Any:
        """The first element of a selector, once it is seen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for found in self.all(selector):
                return found
            time.sleep(0.05)
        raise AssertionError(f"nothing that is seen is {selector}")

    def shot(self, name: str) -> Path:
        """A picture of what is seen, in ``docs/_build/shots``."""
        file = BUILT / "shots" / f"{name}.png"
        file.parent.mkdir(exist_ok=True)
        self.driver.save_screenshot(str(file))
        return file

    def complaints(self) -> list[str]:
        """What the console has said since it was asked last."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The address of the built site."""
    assert (BUILT / "html" / "index.html").exists(), "the site is not built; run make docs"
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(BUILT / "html")))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests; without it they fail, and say what to install."""
    from selenium import webdriver

    found = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    for name, path in found.items():
        assert path, MISSING.format(name)
    options = webdriver.ChromeOptions()
    options.binary_location = found["chromium"]
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(found["chromedriver"]))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: Any, site: str) -> Iterator[Browser]:
    """A browser that remembers nothing; whatever its console complains of fails the test."""
    browser = Browser(chromium, site)
    browser.open("index.html")
    browser.run("localStorage.clear(); sessionStorage.clear()")
    browser.complaints()
    yield browser
    assert browser.complaints() == []
