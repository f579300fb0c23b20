"""What people do with the portal, from signing in to the files of a job that ended."""

import csv
import datetime
import io
import json
import re
import subprocess
import urllib.parse

import jobs
import live
import new_job
import pages
import place
import pytest
from place import ORIGIN, executions, findings, job
from playwright.sync_api import expect

# Milliseconds within which what was written stands on the page.
SEEN_WITHIN = 2000


def ended_on(page):
    expect(page.locator("#live"), page.url).to_contain_text("It has ended", timeout=place.PATIENCE * 1000)


def milliseconds(stamp):
    return datetime.datetime.fromisoformat(stamp).timestamp() * 1000


def test_the_example_job_from_the_form_to_its_end(watched):
    page = watched.go("/")
    page.get_by_role("link", name="New job").first.click()
    watched.at("/new")
    new_job.example(page, "From the form")
    expect(page.locator("#estimated"), "/new").to_contain_text("72 = 8 questions × 3 models × 3 regions")
    new_job.submit(page)
    page.wait_for_url(re.compile(r"/jobs/[^/]+$"))
    of = page.url.rsplit("/", 1)[1]
    where = f"/jobs/{of}"
    live.observe(page)
    ended_on(page)
    states = live.states(page)
    assert len(states) > 3, f"{where}: only {len(states)} states were seen of a job that ran"
    live.add_up(states, 72, where)
    for state in states[:-1]:
        running = state["counts"]["pending"] + state["counts"]["running"] > 0
        assert running or state["counts"]["completed"] == 72, f"{where}: {state['counts']}"
    late = []
    for execution in executions(of):
        shown = live.first_shown(states, execution["id"])
        # What ended before the page was looked at was on its first state.
        written = max(milliseconds(execution["completed_at"]), states[0]["at"])
        assert shown, f"{where}: {execution['id']} never appeared"
        if shown - written > SEEN_WITHIN:
            late.append(f"{execution['id']} after {shown - written:.0f} ms")
    assert not late, f"{where}: {late}"
    view = job(of)
    assert view["counts"]["completed"] == 72 and view["name"] == "From the form", view
    watched.go("/")
    expect(page.get_by_role("row", name="From the form"), "/").to_contain_text("completed")


def test_the_same_form_sent_twice_is_one_job(session):
    form = session.get("/new?key=sent-twice").text
    fields = {
        "form_token": place.form_token(form),
        "key": re.search(r'name="key" value="([^"]+)"', form)[1],
        "name": "Sent twice",
        "builtin": "math_basic",
        "model": "mistral-7b",
        "region": "us-east",
        "action": "submit",
    }
    sent = [session.post("/new", fields) for _ in range(2)]
    places = [(answer.status, answer.headers.get("location")) for answer in sent]
    assert places[0] == places[1] and places[0][0] == 303, f"/new sent twice leads to {places}"
    changed = session.post("/new", {**fields, "samples": "2"})
    assert changed.status == 409, f"/new sent with other content under the same key: {changed.status}"
    assert places[0][1] in changed.text, "/new: does not name the job that the form made before"
    listed = place.api("GET", "/api/v1/jobs?limit=100")["jobs"]
    named = [one["job_id"] for one in listed if one["name"] == "Sent twice"]
    assert len(named) == 1, f"/new sent twice made {named}"


def test_the_example_job_is_a_link_away(watched):
    page = watched.go("/new")
    page.get_by_role("link", name="Fill in the example job").click()
    watched.at("/new")
    for question in jobs.BUILT_IN:
        expect(page.get_by_role("checkbox", name=question), f"/new: {question}").to_be_checked()
    expect(page.get_by_role("textbox", name="Name"), "/new").to_have_value("Bias detection")


def test_who_goes_back_and_submits_again_makes_no_other_job(watched):
    page = watched.go("/new")
    page.get_by_role("link", name="Fill in the example job").click()
    expect(page.get_by_role("textbox", name="Name"), "/new").to_have_value("Bias detection")
    new_job.submit(page)
    page.wait_for_url(re.compile(r"/jobs/[^/]+$"))
    made = page.url
    page.go_back()
    watched.at("/new")
    expect(page.locator("#made"), "/new, come back to").to_contain_text(made.rsplit("/", 1)[1])
    new_job.submit(page)
    page.wait_for_url(re.compile(r"/jobs/[^/]+$"))
    assert page.url == made, f"sent again, {made} became {page.url}"


def test_what_is_wrong_stands_at_its_field(watched):
    page = watched.go("/new")
    page.get_by_role("textbox", name="Your own questions").fill("capital: What is the capital of Peru?\n" * 2)
    page.get_by_role("textbox", name="Samples").fill("0")
    watched.allowed.add(400)
    new_job.submit(page)
    alert = page.get_by_role("alert")
    expect(alert, "/new").to_contain_text("Nothing was submitted")
    expect(alert, "/new: the summary of what is wrong").to_be_focused()
    for name in ["Samples", "Models", "Regions"]:
        link = alert.get_by_role("link", name=name, exact=True).first
        target = link.get_attribute("href")
        field = page.locator(target)
        assert field.count() == 1, f"/new: the link to {name} leads to {target}, which is not there"
        if field.evaluate("at => at.tagName") != "FIELDSET":
            assert field.get_attribute("aria-invalid") == "true", f"/new: {name} does not say that it is wrong"
        described = field.get_attribute("aria-describedby") or ""
        told = " ".join(page.locator(f"[id='{at}']").inner_text() for at in described.split())
        assert re.search(r"\d|least|one|must|required", told), f"/new: {name} is described by “{told}”"
    own = page.get_by_role("textbox", name="Your own questions")
    assert "Peru" in own.input_value(), "/new: what was typed is lost"
    assert page.get_by_role("textbox", name="Samples").input_value() == "0", "/new: the wrong number is lost"


def test_a_job_is_cancelled_after_a_question(watched):
    of = jobs.running(jobs.endless("cancelled"))
    where = f"/jobs/{of}"
    page = watched.go(where)
    page.get_by_role("link", name="Cancel").click()
    watched.at(f"{where}/cancel")
    assert job(of)["status"] == "running", f"{where}: the question alone cancelled it"
    page.get_by_role("link", name="No, back to the job").click()
    watched.at(where)
    assert job(of)["status"] == "running", f"{where}: “no” cancelled it"
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Cancel the job").click()
    watched.at(where)
    live.observe(page)
    expect(page.locator("#live"), where).to_contain_text("It was cancelled. What", timeout=place.PATIENCE * 1000)
    expected = job(of)["expected"]
    live.add_up(live.states(page), expected, where)
    view = job(of)
    assert view["status"] == "cancelled" and view["counts"]["completed"] > 0, view
    assert "ailed" not in page.locator("#live .said").inner_text(), f"{where}: a cancelled job is told as failed"
    # It has ended: the question is not asked anew.
    watched.allowed.add(409)
    answer = page.goto(f"{ORIGIN}{where}/cancel")
    assert answer.status in (200, 409), f"{where}/cancel of a job that has ended: {answer.status}"


def test_what_failed_is_retried_one_and_all(watched):
    of = jobs.made(jobs.failing("retried"))["id"]
    where = f"/jobs/{of}"
    one = executions(of, status="failed", question="first")[0]["id"]
    page = watched.go(f"/executions/{one}")
    page.get_by_role("link", name="Retry this one").click()
    watched.at(f"/executions/{one}/retry")
    assert job(of)["run"] == 1, f"/executions/{one}/retry: the question alone retried it"
    page.get_by_role("button", name="Retry it").click()
    watched.at(where)
    ended_on(page)
    place.ended(of)
    of_one = place.api("GET", f"/api/v1/executions/{one}")
    assert of_one["status"] == "completed", f"{where}: {one} is {of_one['status']} after a retry of it"
    assert job(of)["counts"]["failed"] == 5, f"{where}: {job(of)['counts']} after a retry of one of six"

    page = watched.go(where)
    page.get_by_role("link", name=re.compile("Retry 5 executions")).click()
    page.get_by_role("button", name="Retry", exact=True).click()
    watched.at(where)
    ended_on(page)
    place.ended(of)
    counts = job(of)["counts"]
    assert counts["failed"] == 2 and counts["completed"] == 6, f"{where}: {counts} after a retry of all"
    watched.anew()
    expect(page.get_by_role("main"), where).to_contain_text("Runs")
    expect(page.locator(".counts [data-status=failed]"), where).to_contain_text("2")


def test_the_most_divergent_question_is_three_clicks_away(watched, finished):
    most = findings(finished)["questions"][0]
    wanted = f"/jobs/{finished}/questions/{most['question']}"
    page = watched.go(f"/jobs/{finished}")
    page.get_by_role("link", name="See where answers diverge").click()
    watched.at(f"/jobs/{finished}/matrix")
    page.locator("main tbody th a").first.click()
    watched.at(wanted)
    expect(page.get_by_role("heading", level=1), wanted).to_contain_text(most["question_id"])
    for execution in pages.Job(finished).everywhere(most["question"]):
        link = page.locator(f"main a[href='/executions/{execution['id']}']").first
        expect(link, f"{wanted}: the answer of {execution['id']}").to_be_visible()


def test_two_regions_side_by_side_with_the_words_that_differ(watched, partly):
    """The two say the same but for where they say it."""
    pair = pages.Job(partly).everywhere(0)
    where = f"/jobs/{partly}/questions/0"
    page = watched.go(where)
    page.get_by_label("Baseline").select_option(pair[0]["id"])
    page.get_by_label("with", exact=True).select_option(pair[1]["id"])
    page.get_by_role("button", name="Compare").click()
    watched.at(where)
    here = urllib.parse.unquote(page.url)
    assert pair[0]["id"] in here and pair[1]["id"] in here, f"{here}: the choice is not in the address"
    watched.anew()
    columns = page.locator("section.comparison article")
    expect(columns, where).to_have_count(2)
    baseline, other = words(pair[0]["response"]), words(pair[1]["response"])
    assert text_of(columns.nth(0), "del, ins") == baseline, f"{where}: the baseline is not shown as it is"
    assert text_of(columns.nth(1), "del") == other, f"{where}: without what is struck out it is not the other answer"
    assert text_of(columns.nth(1), "ins") == baseline, f"{where}: without what is added it is not the baseline"
    added = " ".join(columns.nth(1).locator("ins").all_inner_texts())
    assert added == pair[1]["region"].split("-")[0] or added == pair[1]["region"], f"{where}: “{added}” is added"
    columns.nth(1).get_by_role("link", name="Make it the baseline").click()
    columns = page.locator("section.comparison article")
    expect(columns.nth(0), where).to_contain_text("baseline")
    assert text_of(columns.nth(0), "del, ins") == other, f"{where}: another baseline is not shown as it is"


def words(text):
    return " ".join(text.split())


def text_of(column, without):
    """The answer in a column, without these elements."""
    script = """(at, without) => {
      const copy = at.querySelector('.answer').cloneNode(true);
      for (const one of copy.querySelectorAll(without)) one.remove();
      return copy.textContent;
    }"""
    return words(column.evaluate(script, without))


def test_a_verdict_is_overruled_and_taken_back(watched):
    of = jobs.made({**jobs.example("overruled"), "questions": jobs.BUILT_IN[3:5]})["id"]
    one = executions(of, verdict="answered")[0]
    where = f"/executions/{one['id']}"
    page = watched.go(where)
    form = page.get_by_role("group", name="What do you say?")
    form.get_by_role("radio", name="evasive").check()
    page.get_by_role("textbox", name="Why").fill("It walks around the <question>.")
    page.get_by_role("button", name="Overrule").click()
    watched.at(where)
    verdict = page.get_by_role("region", name="Verdict")
    expect(verdict, where).to_contain_text("evasive as a person says")
    expect(verdict, where).to_contain_text("It walks around the <question>.")
    stored = place.api("GET", f"/api/v1/executions/{one['id']}")["verdict"]
    assert stored["verdict"] == "evasive" and stored["classifier"]["verdict"] == "answered", stored
    place.ended(of)
    page = watched.go(f"/jobs/{of}/questions/{one['question']}")
    card = page.locator("article", has=page.locator(f"a[href='{where}']")).first
    expect(card, page.url).to_contain_text("evasive by a person")
    page = watched.go(f"/jobs/{of}/matrix")
    cell = page.locator(f"td a[href='{where}']")
    expect(cell, f"/jobs/{of}/matrix").to_contain_text("evasive")
    page = watched.go(where)
    page.get_by_role("radio", name="take it back").check()
    page.get_by_role("button", name="Overrule").click()
    expect(page.get_by_role("region", name="Verdict"), where).to_contain_text("answered as the classifier says")
    place.ended(of)


def test_a_receipt_is_shown_with_what_holds(watched, finished):
    one = executions(finished, status="completed")[0]["id"]
    where = f"/executions/{one}"
    page = watched.go(where)
    receipt = page.get_by_role("region", name="Receipt").first
    expect(receipt, where).to_contain_text("The signature over the receipt holds.")
    expect(receipt, where).to_contain_text(re.compile(r"It is receipt \d+ of the \d+ that its job's root signs for"))
    sent = {"authorization": f"Bearer {place.TOKEN}"}
    signed = place.ask("GET", f"/api/v1/executions/{one}/receipt", **sent).json
    expect(receipt, where).to_contain_text(signed["signature"])
    receipt.get_by_text("The receipt as it was signed").click()
    shown = page.get_by_role("region", name="The receipt", exact=True).inner_text()
    assert json.loads(shown) == signed, f"{where}: another receipt than the API's"


def beacon(*arguments):
    command = [place.BEACON, "--data", place.DATA, *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, f"{arguments}: {done.stderr.decode()}"
    return done.stdout


@pytest.fixture
def downloaded(watched, finished, tmp_path):
    """The bytes of a job's file, as the browser saves it."""

    def download(name):
        page = watched.go(f"/jobs/{finished}/files")
        with page.expect_download() as started:
            page.locator(f"main a[href^='/jobs/{finished}/files/{name}']").first.click()
        path = tmp_path / name
        started.value.save_as(path)
        assert not started.value.failure(), f"/jobs/{finished}/files/{name}: {started.value.failure()}"
        return path

    return download


def test_the_jsonl_is_what_the_api_has(downloaded, finished):
    lines = [json.loads(line) for line in downloaded("executions.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines == executions(finished), f"/jobs/{finished}/files/executions.jsonl: other rows than the API's"


def test_the_csv_is_what_the_command_writes(downloaded, finished):
    content = downloaded("executions.csv").read_bytes()
    assert content == beacon("export", finished, "--format", "csv"), f"/jobs/{finished}/files/executions.csv"
    rows = list(csv.reader(io.StringIO(content.decode())))
    assert len(rows) == 73 and len({len(row) for row in rows}) == 1, f"executions.csv: {len(rows)} rows"


def test_the_bundle_verifies(downloaded, finished):
    beacon("verify", downloaded("bundle.jsonl"))


def test_the_report_is_one_page_of_itself(downloaded, finished):
    report = downloaded("report.html").read_text(encoding="utf-8")
    assert report.lower().startswith("<!doctype html>"), report[:80]
    assert "<script" not in report, "report.html has a script"
    assert "Bias detection" in report, "report.html does not name its job"


def test_findings_have_a_way_to_what_they_are_of(watched, finished):
    where = f"/jobs/{finished}/findings"
    page = watched.go(where)
    expect(page.get_by_role("complementary", name="Simulated"), where).to_be_visible()
    first = findings(finished)["questions"][0]["question"]
    link = page.locator(f"main a[href*='/jobs/{finished}/questions/{first}']").first
    expect(link, f"{where}: the most divergent question").to_be_attached()
    contents = page.locator("main nav a[href^='#'], main .contents a[href^='#']")
    assert contents.count() > 2, f"{where}: no list of its contents"
    for target in contents.evaluate_all("all => all.map((at) => at.getAttribute('href'))"):
        assert page.locator(f"[id='{target[1:]}']").count() == 1, f"{where}: {target} leads nowhere"


def test_the_system_page_names_every_provider(watched, harmful):
    page = watched.go("/system")
    for name in ["lab-us-east", "lab-eu-west", "lab-asia-pacific", "<img/src=x/onerror=alert('us-east')>"]:
        expect(page.get_by_role("row").filter(has_text=name).first, f"/system: {name}").to_be_visible()
    expect(page.get_by_role("main"), "/system").to_contain_text("simulated")
    assert harmful


def test_every_link_leads_somewhere(watched, finished):
    """From each page of a job to each page that it links to."""
    seen, broken = set(), []
    for path in [*pages.of_nothing().values(), *pages.Job(finished).pages().values()]:
        page = watched.go(path)
        links = page.evaluate("[...document.querySelectorAll('a[href]')].map((at) => at.href)")
        for link in links:
            assert link.startswith(ORIGIN), f"{path}: links to {link}"
            target = link.removeprefix(ORIGIN).split("#")[0]
            kind = re.sub(r"\d+", "0", target)
            if kind in seen or "/files/" in target:
                continue
            seen.add(kind)
            status = watched.page.request.get(f"{ORIGIN}{target}").status
            if status >= 400:
                broken.append(f"{path} links to {target}: {status}")
    assert not broken, "\n".join(broken)


def test_filters_stand_in_the_address(watched, finished):
    where = f"/jobs/{finished}/matrix"
    page = watched.go(where)
    page.get_by_label("Text or id of the question").fill("taiwan")
    page.get_by_role("button", name="Show").click()
    assert "text=taiwan" in page.url, f"{page.url}: the filter is not in the address"
    watched.anew()
    expect(page.locator("main tbody tr"), f"{where}?text=taiwan").to_have_count(1)
    expect(page.get_by_label("Text or id of the question"), where).to_have_value("taiwan")
    page = watched.go("/?text=no-such-job-as-this")
    expect(page.get_by_role("main"), "/ with a filter").to_contain_text("None of these")
    page = watched.go("/?status=completed")
    expect(page.locator("#jobs tbody tr").first, "/?status=completed").to_contain_text("completed")
