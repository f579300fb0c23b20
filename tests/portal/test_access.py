"""Barriers, pictures and the keyboard: axe-core on every page in light and dark, narrow and wide."""

import itertools

import jobs
import pages
import place
import pytest
from barriers import SCHEMES, all_are_sound, focus_by, looked_at
from playwright.sync_api import expect
from watched import NARROW


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


@pytest.mark.parametrize("size", [(NARROW, 740), (1280, 500)])
def test_what_has_the_focus_in_the_matrix_is_not_hidden(opened, finished, size):
    """Neither by the column nor by the head that stay where they are, forwards and backwards."""
    watched = opened(viewport=dict(zip(["width", "height"], size)))
    page = watched.go(f"/jobs/{finished}/matrix")
    cells = page.locator(".map td a")
    for key, first in [("Tab", cells.first), ("Shift+Tab", cells.last)]:
        first.focus()
        reached, hidden = focus_by(page, key, 40)
        where = f"the matrix at {size[0]} px by {key}"
        assert sum("/executions/" in one for one in reached) > 30, f"{where}: it came to {reached}"
        assert not hidden, f"{where}: {len(hidden)} of 40 that had the focus were hidden: {hidden[:5]}"
    # Of many regions the head is higher, for their names do not fit beside each other.
    page.evaluate("document.querySelector('.map').classList.add('wide')")
    place.until(f"room for the head at {size[0]} px", lambda: page.evaluate(HAS_ROOM), seconds=5)


HAS_ROOM = """() => {
  const room = getComputedStyle(document.querySelector('.matrix')).scrollPaddingTop;
  return parseFloat(room) >= document.querySelector('.map thead').offsetHeight;
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
