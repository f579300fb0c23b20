"""The whole of it without JavaScript: links, forms and loading anew."""

import re

import jobs
import new_job
import pages
import place
import pytest
from place import executions, findings, job
from playwright.sync_api import expect


@pytest.fixture
def plain(opened):
    return opened(by=None, java_script_enabled=False)


def signed_in(plain):
    page = plain.go("/")
    plain.at("/sign-in")
    page.get_by_label("Token").fill(place.TOKEN)
    page.get_by_role("button", name="Sign in").click()
    plain.at("/")
    return page


def loaded_until(plain, text):
    """A person loads the page anew until it says so."""

    def found():
        plain.anew()
        return text in plain.page.get_by_role("main").inner_text()

    place.until(f"{plain.page.url} says “{text}”", found)


def test_a_job_from_the_form_to_its_files(plain):
    page = signed_in(plain)
    page.get_by_role("link", name="New job").first.click()
    new_job.example(page, "Without JavaScript")
    page.get_by_role("button", name="Estimate").click()
    expect(page.locator("#estimated"), "/new: the estimate").to_contain_text("72 = 8 questions")
    checked = page.get_by_role("checkbox", checked=True)
    expect(checked, "/new after an estimate").to_have_count(8 + 3 + 3)
    new_job.submit(page)
    page.wait_for_url(re.compile(r"/jobs/[^/]+$"))
    of = page.url.rsplit("/", 1)[1]
    where = f"/jobs/{of}"
    loaded_until(plain, "It has ended")
    place.ended(of)
    plain.anew()
    page.get_by_role("link", name="See where answers diverge").click()
    plain.at(f"{where}/matrix")
    page.locator("main tbody th a").first.click()
    most = findings(of)["questions"][0]["question"]
    plain.at(f"{where}/questions/{most}")
    compare = page.get_by_role("region", name="Compare")
    compare.get_by_role("link", name="llama3.2-1b", exact=True).click()
    expect(page.locator("section.comparison article"), page.url).to_have_count(3)
    page.locator("section.comparison article a").first.click()
    assert "/executions/" in page.url, f"{page.url}: no way from a comparison to the answer"
    page.get_by_role("link", name=re.compile("Jobs")).first.click()
    plain.at("/")
    page = plain.go(where)
    page.get_by_role("link", name="Findings").click()
    plain.at(f"{where}/findings")
    page.get_by_role("link", name="Files").first.click()
    plain.at(f"{where}/files")
    for name in ["executions.jsonl", "executions.csv", "report.html", "bundle.jsonl"]:
        plain.go(f"{where}/files")
        with page.expect_download() as started:
            page.locator(f"main a[href^='{where}/files/{name}']").first.click()
        path = started.value.path()
        assert path.stat().st_size > 1000, f"{where}/files/{name}: {path.stat().st_size} bytes"


def test_cancel_and_retry(plain):
    page = signed_in(plain)
    of = jobs.running(jobs.endless("plainly-cancelled"))
    where = f"/jobs/{of}"
    plain.go(where)
    expect(page.get_by_role("link", name="Load this page anew"), where).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Cancel the job").click()
    plain.at(where)
    loaded_until(plain, "It was cancelled. What")
    of = jobs.made(jobs.failing("plainly-retried"))["id"]
    where = f"/jobs/{of}"
    plain.go(where)
    page.get_by_role("link", name=re.compile("Retry 6 executions")).click()
    page.get_by_role("button", name="Retry", exact=True).click()
    plain.at(where)
    loaded_until(plain, "It has ended")
    place.ended(of)
    assert job(of)["counts"]["failed"] == 2, f"{where}: {job(of)['counts']}"


def test_overrule_and_sign_out(plain):
    page = signed_in(plain)
    of = jobs.made({**jobs.example("plainly-overruled"), "questions": ["greatest_leader"]})["id"]
    one = executions(of, verdict="answered")[0]["id"]
    plain.go(f"/executions/{one}")
    page.get_by_role("radio", name="refused", exact=False).first.check()
    page.get_by_role("button", name="Overrule").click()
    plain.at(f"/executions/{one}")
    expect(page.get_by_role("region", name="Verdict"), page.url).to_contain_text("as a person says")
    page.get_by_role("button", name="Sign out").click()
    plain.at("/sign-in")


def test_nothing_is_wider_than_its_window(opened, finished, harmful):
    narrow = opened(java_script_enabled=False, viewport={"width": 360, "height": 740})
    of_jobs = [path for of in (finished, harmful) for path in pages.Job(of).pages().values()]
    for path in [*pages.of_nothing().values(), *of_jobs]:
        narrow.go(path)
        narrow.fits(path)
