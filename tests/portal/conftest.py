"""What the tests share: a browser, pages that are watched, somebody who signed in, jobs that have ended."""

import jobs
import place
import pytest
from playwright.sync_api import expect, sync_playwright
from watched import NARROW, Watched

# Milliseconds that an action on a page may take.
ACTION = 15_000


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        expect.set_options(timeout=ACTION)
        options = {"executable_path": place.BROWSER, "args": ["--no-sandbox"]}
        browser = playwright.chromium.launch(**options)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def session():
    """Whoever may do everything."""
    return place.Session()


@pytest.fixture
def opened(browser, session):
    """Opens pages, signed in unless told otherwise, and holds at the end that nothing went wrong on any."""
    contexts, pages = [], []

    def open_(by=session, **options):
        options = {"viewport": {"width": 1280, "height": 900}, **options}
        context = browser.new_context(**options)
        context.set_default_timeout(ACTION)
        contexts.append(context)
        if by:
            context.add_cookies(by.for_browser())
        page = Watched(context.new_page())
        pages.append(page)
        return page

    yield open_
    for context in contexts:
        context.close()
    problems = [problem for page in pages for problem in page.problems]
    assert not problems, "\n".join(problems)


@pytest.fixture
def watched(opened):
    return opened()


@pytest.fixture
def narrow(opened):
    return opened(viewport={"width": NARROW, "height": 740})


@pytest.fixture(scope="session")
def finished():
    """The example job when its findings are there."""
    return jobs.made(jobs.example("finished"))["id"]


@pytest.fixture(scope="session")
def partly():
    """A job of which some failed."""
    return jobs.made(jobs.failing("partly"))["id"]


@pytest.fixture(scope="session")
def harmful():
    """A job all of whose texts are hostile, run anew for a hostile reason, with hostile notes."""
    of = jobs.made(jobs.harmful("harmful"))["id"]
    place.api("POST", f"/api/v1/jobs/{of}/retry", {"reason": jobs.HARM[:150]})
    place.ended(of)
    completed = place.executions(of, status="completed")
    with_text = [execution for execution in completed if execution["verdict"]]
    assert with_text, "no answer of the hostile provider was judged"
    jobs.labelled(with_text[:4], jobs.HARM)
    place.ended(of)
    return of
