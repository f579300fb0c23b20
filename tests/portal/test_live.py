"""Pages that move: what stays over an update, and what they say when updates or estimates fail."""

import datetime
import re

import jobs
import live
import pages
import place
import pytest
from barriers import focus_by, is_without_barriers
from place import ORIGIN, until
from playwright.sync_api import expect
from watched import NARROW

# An address whose answer is a page that says what is wrong.
NOWHERE = f"{ORIGIN}/jobs/no/such/page"
STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"


@pytest.fixture(scope="module")
def moving():
    """A job that runs as long as the tests need it."""
    of = jobs.running(jobs.endless("moving"))
    yield of
    place.api("POST", f"/api/v1/jobs/{of}/cancel", allowed=(202, 409))


def test_scroll_and_focus_stay_over_an_update(watched):
    of = jobs.running(jobs.endless("kept"))
    where = f"/jobs/{of}"
    page = watched.go(where)
    link = page.locator("#live td a").nth(20)
    link.scroll_into_view_if_needed()
    link.focus()
    assert page.evaluate("scrollY") > 0, f"{where}: there is nothing to scroll"
    before = page.evaluate(IN_SIGHT)
    live.observe(page)
    until("two updates", lambda: len(live.states(page)) > 2)
    after = page.evaluate(IN_SIGHT)
    assert after[1] == before[1], f"{where}: the focus went from {before[1]} to {after[1]}"
    moved = f"{where}: what has the focus moved from {before[0]} to {after[0]} in the window"
    assert abs(after[0] - before[0]) < 3, moved
    jobs.cancelled(of)
    expect(page.locator("#live"), where).to_contain_text("It was cancelled. What", timeout=place.PATIENCE * 1000)
    after = page.evaluate(IN_SIGHT)
    assert after[1] == before[1], f"{where}: the focus went from {before[1]} to {after[1]} at the end"


# Where in the window what has the focus stands, and what it is.
IN_SIGHT = """() => {
  const at = document.activeElement;
  return [at.getBoundingClientRect().top, at.getAttribute('href')];
}"""


@pytest.fixture
def timed(opened):
    """Opens pages whose time can be hurried."""

    def open_(path, **options):
        watched = opened(**options)
        watched.page.clock.install()
        watched.go(path)
        return watched

    return open_


def hurried(page, seconds):
    """Lets the page's own time pass: what it asks for each second it asks for now. Less than 15 s, after which
    htmx gives up a request that is on its way."""
    expect(page.locator(".htmx-request"), f"{page.url}: what is on its way").to_have_count(0)
    page.clock.run_for(seconds * 1000)


def test_a_page_that_is_final_asks_no_more(timed, finished, moving):
    asked = {}
    for of in [moving, finished]:
        page = timed(f"/jobs/{of}").page
        asked[of] = []
        page.on("request", lambda request, of=of: asked[of].append(request.url))
        hurried(page, 10)
        # What was asked for before this is known when this is.
        with page.expect_request(lambda one: "last-of-all" in one.url):
            page.evaluate("() => { fetch('/assets/beacon.svg?last-of-all'); }")
    assert any("/live" in one for one in asked[moving]), f"/jobs/{moving}: asks for {asked[moving]}"
    assert not any("/live" in one for one in asked[finished]), f"/jobs/{finished}: asks for {asked[finished]}"


def refuse(route):
    """An answer that is not the one that was asked for, of a status that no page wants."""
    route.fulfill(response=route.fetch(url=NOWHERE, method="GET"), status=503)


def outdated(page):
    return page.get_by_role("status").and_(page.locator(".outdated"))


def test_a_page_that_cannot_be_updated_says_since_when(timed, moving):
    where = f"/jobs/{moving}"
    loaded = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    watched = timed(where, viewport={"width": NARROW, "height": 740})
    page = watched.page
    expect(outdated(page), f"{where}: before anything failed").to_have_text("")
    watched.may_fail = True
    page.context.set_offline(True)
    cut_off = datetime.datetime.now(datetime.UTC)
    page.mouse.wheel(0, 2000)
    hurried(page, 2)
    expect(outdated(page), f"{where}: cut off").to_have_text(
        re.compile(rf"^Not up to date since {STAMP}: Beacon does not answer just now\.$")
    )
    expect(outdated(page), f"{where}: cut off, and scrolled").to_be_in_viewport(ratio=1)
    said = re.search(STAMP, outdated(page).inner_text())[0]
    since = datetime.datetime.strptime(said, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=datetime.UTC)
    assert loaded <= since <= cut_off, f"{where}: loaded at {loaded}, cut off at {cut_off}, and it says {since}"
    page.locator("#live td a").last.focus()
    _, hidden = focus_by(page, "Shift+Tab", 40)
    assert not hidden, f"{where}: hidden under the line that says so: {hidden}"
    is_without_barriers(watched, "job-cut-off")
    page.context.set_offline(False)
    hurried(page, 1)
    expect(outdated(page), f"{where}: answered again").to_have_text("")
    watched.allowed.add(503)
    page.route("**/live*", refuse)
    hurried(page, 2)
    expect(outdated(page), f"{where}: refused").to_contain_text("UTC: There is nothing at this address")


def test_one_update_that_fails_is_not_told(timed, moving):
    """The next is a second away."""
    watched = timed(f"/jobs/{moving}")
    page = watched.page
    watched.allowed.add(503)
    page.evaluate(NOTE_TOLD)
    for _ in range(2):
        page.route("**/live*", refuse, times=1)
        for is_well in [False, True]:
            with page.expect_response(lambda one, ok=is_well: "/live" in one.url and one.ok == ok):
                hurried(page, 1)
    assert not page.evaluate("window.__told"), f"{page.url}: told of one that failed"


NOTE_TOLD = """() => {
  window.__told = false;
  const line = document.querySelector('.outdated');
  new MutationObserver(() => { window.__told ||= line.textContent !== ''; }).observe(line, {childList: true});
}"""


@pytest.mark.parametrize("path", ["/", "/system"])
def test_every_page_that_moves_says_that_it_no_longer_does(timed, moving, path):
    watched = timed(path)
    page = watched.page
    expect(outdated(page), path).to_have_text("")
    watched.may_fail = True
    page.context.set_offline(True)
    for _ in range(2):
        hurried(page, 10)
    expect(outdated(page), f"{path}: cut off").to_contain_text("Not up to date since")
    page.context.set_offline(False)
    hurried(page, 10)
    expect(outdated(page), f"{path}: answered again").to_have_text("")
    assert moving


def test_an_estimate_that_fails_leaves_no_numbers_of_another_form(watched):
    page = watched.go(pages.of_nothing()["new-filled"])
    estimated = page.locator("#estimated")
    samples = page.get_by_role("textbox", name="Samples")
    expect(estimated, "/new, filled in").to_contain_text("1 region")
    watched.allowed.add(503)
    page.route("**/new/estimate", refuse)
    samples.fill("50")
    told = "The estimate could not be made:"
    expect(estimated, "/new: refused").to_have_text(f"{told} There is nothing at this address.")
    page.unroute("**/new/estimate")
    samples.fill("3")
    expect(estimated, "/new: answered again").to_contain_text("3 samples")
    watched.may_fail = True
    page.context.set_offline(True)
    samples.fill("50")
    expect(estimated, "/new: cut off").to_have_text(f"{told} Beacon does not answer just now.")
    assert estimated.get_attribute("aria-live") == "polite", "/new: that the estimate failed is not read out"
    is_without_barriers(watched, "new-estimate-fails")
    page.context.set_offline(False)
    samples.fill("4")
    expect(estimated, "/new: answered again").to_contain_text("4 samples")


def without(pattern):
    """Answers without what is like this."""

    def answer(route):
        answered = route.fetch()
        text, gone = re.subn(pattern, "", answered.text(), flags=re.DOTALL)
        assert gone, f"{route.request.url}: nothing is like {pattern}"
        route.fulfill(response=answered, body=text)

    return answer


def updated(page, part):
    """Waits for an update that comes after this."""
    with page.expect_response(lambda one: part in one.url and "hx-request" in one.request.headers):
        hurried(page, 2)
    expect(page.locator(".htmx-request"), f"{page.url}: an update").to_have_count(0)


def test_the_focus_stays_near_what_goes(timed, moving):
    where = f"/jobs/{moving}"
    page = timed(where).page
    page.get_by_role("link", name="Cancel…").focus()
    page.route("**/live*", without(r'<p><a class="button danger".*?</p>'))
    hurried(page, 1)
    heading = page.get_by_role("heading", name="Progress")
    expect(heading, f"{where}: without what had the focus").to_be_focused()
    assert page.evaluate("scrollY") == 0, f"{where}: scrolled to where the focus is"
    for _ in range(2):
        updated(page, "/live")
        expect(heading, f"{where}: after a further update").to_be_focused()


def test_the_focus_stays_where_there_is_no_section(timed, moving):
    page = timed("/").page
    page.locator(f"#jobs a[href='/jobs/{moving}']").first.focus()
    page.route(f"{ORIGIN}/", without(r"<table.*</table>"))
    hurried(page, 2)
    expect(page.locator("#jobs"), "/: without what had the focus").to_be_focused()
    updated(page, f"{ORIGIN}/")
    expect(page.locator("#jobs"), "/: after a further update").to_be_focused()


def test_the_focus_stays_when_the_job_is_cancelled_elsewhere(watched):
    of = jobs.running(jobs.endless("cancelled-elsewhere"))
    where = f"/jobs/{of}"
    page = watched.go(where)
    page.get_by_role("link", name="Cancel…").focus()
    jobs.cancelled(of)
    expect(page.locator("#live"), where).to_contain_text("It was cancelled. What", timeout=place.PATIENCE * 1000)
    kept = page.evaluate("Boolean(document.activeElement.closest('#live'))")
    assert kept, f"{where}: the focus fell to the top of the page"
