"""The documentation as readers meet it: its links lead somewhere, and a browser shows it.

``SPIKESIM_SITE`` names the folder of a built site. Without it the site is built here once, with a
gallery that is not executed.
"""

import fcntl
import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from html.parser import HTMLParser
from os.path import normpath
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.waiting import HANG

ROOT = Path(__file__).resolve().parent.parent
BUILDERS = ("sphinx", "myst_parser", "pydata_sphinx_theme", "sphinx_gallery", "latex2mathml")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PHONE = {"width": 390, "height": 844}
PATIENCE = 20_000.0  # ms; what is not seen by then, on the busiest machine, is not there


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the built pages, which all processes of a session share."""
    if given := os.environ.get("SPIKESIM_SITE"):
        return Path(given)
    for name in BUILDERS:
        pytest.importorskip(name, reason="the extra 'docs' builds the site")
    place = tmp_path_factory.getbasetemp()
    shared = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place
    with (shared / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        pages = shared / "site"
        if not (pages / "searchindex.js").exists():  # written last
            build(pages)
    return pages


def build(pages):
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-D", "plot_gallery=0"]
    done = subprocess.run(
        [*command, "-b", "html", "-d", pages.with_name("doctrees"), ROOT / "docs", pages],
        capture_output=True,
        text=True,
        timeout=HANG,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr


class Page(HTMLParser):
    """The anchors of a page, and what it links to and loads."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loaded = set(), [], []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found.get("id"), found.get("name") if tag == "a" else None}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        self.loaded += [found["src"]] if found.get("src") else []
        if tag == "link" and found.get("rel") in ("stylesheet", "icon", "preload", "prefetch"):
            self.loaded.append(found["href"])


@pytest.fixture(scope="session")
def pages(site):
    found = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    return {path: Page(path) for path in found}


def test_every_link_within_the_site_leads_to_a_file_and_an_anchor(site, pages):
    files = {str(path) for path in site.rglob("*") if path.is_file()}
    dead = set()
    for path, page in pages.items():
        for link in {*page.links, *page.loaded}:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = normpath(path.parent / unquote(parts.path)) if parts.path else str(path)
            anchor = unquote(parts.fragment)
            shown = pages.get(Path(target))
            if target not in files or (anchor and shown and anchor not in shown.anchors):
                dead.add(f"{path.relative_to(site)}: {link}")
    assert not dead


def test_no_page_names_a_script_a_style_or_an_image_of_another_site(pages):
    foreign = {
        f"{path.name}: {address}"
        for path, page in pages.items()
        for address in page.loaded
        if urlsplit(address).scheme not in ("", "data") or urlsplit(address).netloc
    }
    assert not foreign


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="module")
def address(site):
    """Where a server of this process shows the site."""
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium(site):
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="the extra 'docs' has what drives a browser"
    )
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with playwright.sync_playwright() as driver:
        # The sandbox refuses to run as root, and the pages are ours.
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium, address):
    """Open a page in a new window; nothing may be asked of another server."""
    windows, foreign = [], []

    def answer(route):
        if route.request.url.startswith((address, "data:")):
            route.continue_()
        else:
            foreign.append(route.request.url)
            route.abort()

    def open_page(path, **options):
        window = chromium.new_context(**options)
        windows.append(window)
        window.set_default_timeout(PATIENCE)
        window.route("**/*", answer)
        page = window.new_page()
        page.goto(f"{address}/{path}")
        return page

    yield open_page
    for window in windows:
        window.close()
    assert not foreign


def test_a_search_for_plateau_gives_the_page_of_plateau_potentials_first(browse):
    page = browse("index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("plateau")
    page.keyboard.press("Enter")
    first = page.locator("#search-results li a").first
    page.get_by_text("Search finished").wait_for()
    first.click()
    page.wait_for_url(lambda address: "search.html" not in address)
    assert "plateau potentials" in page.locator("h1").inner_text().lower()


def test_cards_of_the_start_page_lead_to_the_chapters(browse):
    page = browse("index.html")
    for chapter in ("Tutorials", "How to", "Gallery", "Models", "Reference", "Coming from"):
        page.locator(".sd-card", has=page.get_by_text(chapter, exact=True)).click()
        page.locator("h1", has_text=chapter).wait_for()
        page.go_back()


def test_the_header_leads_to_a_chapter_whose_pages_are_at_its_side(browse):
    page = browse("index.html")
    page.locator("header").get_by_role("link", name="Models", exact=True).click()
    page.locator("nav.bd-docs-nav").get_by_role("link", name="SuperSpike").click()
    assert "SuperSpike" in page.locator("h1").inner_text()


def test_a_phone_has_the_chapters_in_a_menu(browse):
    page = browse("index.html", viewport=PHONE)
    page.locator("button.primary-toggle").click()
    page.get_by_role("dialog").get_by_role("link", name="Installation").click()
    page.wait_for_url("**/installation.html")


@pytest.mark.parametrize(
    "path",
    [
        "index.html",
        "installation.html",
        "one_table.html",
        "guarantees.html",
        "models/index.html",
        "models/segregated_dendrites.html",
        "coming_from/brian2.html",
        "search.html?q=plateau",
        "genindex.html",
    ],
)
def test_no_page_is_wider_than_a_phone(browse, path):
    page = browse(path, viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_copy_button_copies_the_code_beside_it(browse):
    page = browse("index.html", permissions=["clipboard-read", "clipboard-write"])
    code = page.locator(".highlight-python").first
    code.hover()
    code.locator("button.copybtn").click()
    code.locator("button.copybtn.success").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == code.locator("pre").inner_text().strip()


def brightness(page):
    """Of the background, from 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return max(int(part) for part in colour.strip("rgba()").split(",")[:3])


@pytest.mark.parametrize(("scheme", "bright"), [("light", True), ("dark", False)])
def test_pages_are_light_or_dark_as_the_system_is(browse, scheme, bright):
    assert (brightness(browse("installation.html", color_scheme=scheme)) > 128) is bright


def test_a_reader_can_choose_dark_and_the_next_page_remembers(browse):
    page = browse("installation.html", color_scheme="light")
    page.locator("button.theme-switch-button:visible").click()
    page.locator("button[data-mode=dark]:visible").click()
    page.goto(page.url.replace("installation", "citing"))
    assert brightness(page) < 128
