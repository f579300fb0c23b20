"""Barriers, pictures and the keyboard: axe-core on every page in light and dark, narrow and wide."""

import itertools

import jobs
import pages
import place
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

WIDTHS = [390, 1440]
SCHEMES = ["light", "dark"]
# Where axe-core looks for barriers, by all of its rules: those of WCAG and its best practices.
LOOKED_FOR = [(390, "light"), (1440, "dark")]
AXE = {"resultTypes": ["violations"]}


def barriers(page):
    found = Axe().run(page, options=AXE).response["violations"]
    said = []
    for violation in found:
        for node in violation["nodes"][:3]:
            summary = " ".join(node["failureSummary"].split())
            said.append(f"{violation['id']}: {node['html'][:200]} ({summary[:300]})")
    return said


def looked_at(watched, name):
    """A picture, and what is wrong, of the page as it is, in each scheme and width."""
    page, wrong = watched.page, []
    for width, scheme in itertools.product(WIDTHS, SCHEMES):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        place.PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=place.PICTURES / f"{name}-{width}-{scheme}.png", full_page=True)
        # Colours are of a scheme and not of a width; what it takes is seconds a page.
        if (width, scheme) in LOOKED_FOR:
            wrong += [f"{name} at {width} px in {scheme}: {said}" for said in barriers(page)]
        try:
            watched.fits(f"{name} in {scheme}")
        except AssertionError as error:
            wrong.append(str(error))
    return wrong


def all_are_sound(watched, addresses):
    wrong = []
    for name, address in addresses.items():
        path, status = address if isinstance(address, tuple) else (address, 200)
        watched.go(path, status)
        wrong += looked_at(watched, name)
        watched.is_sound(name)
    assert not wrong, "\n".join(wrong)


def test_pages_of_a_job_have_no_barriers(watched, finished):
    all_are_sound(watched, pages.Job(finished).pages(place.findings(finished)["questions"][0]["question"]))


def test_pages_of_a_hostile_job_have_no_barriers(watched, harmful):
    addresses = {f"hostile-{name}": path for name, path in pages.Job(harmful).pages().items()}
    all_are_sound(watched, addresses)


def test_pages_of_no_job_have_no_barriers(watched, finished):
    all_are_sound(watched, pages.of_nothing())


def test_pages_that_ask_first_have_no_barriers(watched, partly):
    failed = place.executions(partly, status="failed")[0]["id"]
    running = jobs.running(jobs.endless("pictured"))
    addresses = {
        "running": f"/jobs/{running}",
        "running-matrix": f"/jobs/{running}/matrix",
        "running-findings": f"/jobs/{running}/findings",
        "running-files": f"/jobs/{running}/files",
        "cancel": f"/jobs/{running}/cancel",
        "retry": f"/jobs/{partly}/retry",
        "partly": f"/jobs/{partly}",
        "execution-failed": f"/executions/{failed}",
        "execution-retry": f"/executions/{failed}/retry",
    }
    all_are_sound(watched, addresses)
    jobs.cancelled(running)
    all_are_sound(watched, {"cancelled": f"/jobs/{running}", "cancelled-matrix": f"/jobs/{running}/matrix"})


def test_pages_of_errors_have_no_barriers(watched, opened, finished):
    all_are_sound(watched, pages.errors(finished))
    stranger = opened(by=None)
    all_are_sound(stranger, {"sign-in": "/sign-in"})
    stranger.allowed.add(401)
    stranger.page.get_by_label("Token").fill("no-such-token-as-this")
    stranger.page.get_by_role("button", name="Sign in").click()
    expect(stranger.page.get_by_role("alert"), "/sign-in").to_be_visible()
    wrong = looked_at(stranger, "sign-in-refused")
    assert not wrong, "\n".join(wrong)


def test_headings_and_landmarks_are_in_order(watched, finished):
    everything = {**pages.Job(finished).pages(), **pages.of_nothing()}
    for name, path in everything.items():
        page = watched.go(path)
        levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map((at) => +at.tagName[1])")
        assert levels.count(1) == 1, f"{name}: {levels.count(1)} headings of the first level"
        for above, below in itertools.pairwise(levels):
            assert below <= above + 1, f"{name}: a heading of level {below} under one of {above}: {levels}"
        expect(page.get_by_role("main"), name).to_have_count(1)
        small = page.evaluate(SMALL)
        assert not small, f"{name}: targets smaller than 24 px: {small}"


# Links in running text may be as small as the text is (WCAG 2.5.8).
SMALL = """() => [...document.querySelectorAll('button, input:not([type=hidden]), select, summary, a.button')]
  .filter((at) => at.checkVisibility())
  .map((at) => [at, (at.labels && at.labels[0] || at).getBoundingClientRect(), at.getBoundingClientRect()])
  .filter(([at, label, own]) => Math.max(label.height, own.height) < 24 || Math.max(label.width, own.width) < 24)
  .map(([at]) => at.outerHTML.slice(0, 120)).slice(0, 5)"""


def test_the_skip_link_leads_to_the_content(watched):
    page = watched.go("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip, "/: the first Tab").to_be_focused()
    expect(skip, "/: the skip link with the focus").to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main"), "/: after the skip link").to_be_focused()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_focus_is_seen(opened, finished, scheme):
    """Whatever Tab reaches looks otherwise than before."""
    watched = opened(color_scheme=scheme)
    for path in ["/", "/new", f"/jobs/{finished}", f"/jobs/{finished}/matrix"]:
        page = watched.go(path)
        for _ in range(25):
            page.keyboard.press("Tab")
            seen = page.evaluate(FOCUS)
            assert seen is None or seen["seen"], f"{path} in {scheme}: the focus on {seen['at']} is not seen"


FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const style = getComputedStyle(at);
  const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
  return {at: at.outerHTML.slice(0, 120), seen: outlined || style.boxShadow !== 'none'};
}"""


def test_the_form_of_a_new_job_is_filled_in_by_the_keyboard_alone(watched):
    page = watched.go("/new")
    keyboard = page.keyboard
    wanted = ["math_basic", "llama3.2-1b", "us-east"]
    filled = []
    for _ in range(80):
        keyboard.press("Tab")
        at = page.evaluate(
            """() => {
              const at = document.activeElement;
              const name = at.labels && at.labels[0] ? at.labels[0].textContent : at.textContent;
              return [at.type || at.tagName, at.name || '', at.value || '', name.trim()];
            }"""
        )
        kind, field, value, name = at
        if field == "name":
            keyboard.type("By the keyboard")
        elif kind == "checkbox" and value in wanted:
            keyboard.press("Space")
            filled.append(value)
        elif kind == "submit" and name == "Submit the job":
            break
    else:
        raise AssertionError("/new: Tab never comes to “Submit the job”")
    assert filled == wanted, f"/new: Tab came to {filled}, and not to {wanted}"
    keyboard.press("Enter")
    page.wait_for_url("**/jobs/*")
    of = page.url.rsplit("/", 1)[1]
    view = place.job(of)
    assert view["name"] == "By the keyboard" and view["expected"] == 1, view
