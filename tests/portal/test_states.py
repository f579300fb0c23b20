"""States of pages that a link alone does not lead to, held against what every page is held against."""

import jobs
import new_job
import pages
import place
import pytest
from barriers import all_are_sound, is_without_barriers
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def ended():
    """Jobs that ended in other ways than the example, by how; they run beside each other."""
    specs = {"sampled": jobs.sampled, "stopped": jobs.stopped, "spent": jobs.spent}
    of = {name: place.submitted(spec(name)) for name, spec in specs.items()}
    return {name: place.ended(one)["job_id"] for name, one in of.items()}


def test_jobs_that_end_early_have_no_barriers(watched, ended):
    for name, cause in {"stopped": "rate_unreachable", "spent": "cost_limit"}.items():
        ending = place.job(ended[name])["ending"]
        assert ending and ending["cause"] == cause, f"{name}: ended by {ending}"
        all_are_sound(watched, {name: f"/jobs/{ended[name]}"})


def test_a_job_of_samples_has_no_barriers(watched, ended):
    job_ = pages.Job(ended["sampled"])
    wanted = ["matrix", "question", "execution"]
    all_are_sound(watched, {f"sampled-{name}": job_.pages()[name] for name in wanted})


def test_three_side_by_side_and_parts_have_no_barriers(watched, finished):
    addresses = {
        "three": pages.Job(finished).side_by_side(0, beside=2),
        "parts": f"/jobs/{finished}/files/executions.jsonl?parts=1",
    }
    all_are_sound(watched, addresses)


def test_a_refused_form_has_no_barriers(watched):
    page = watched.go("/new")
    page.get_by_role("textbox", name="Samples").fill("0")
    watched.allowed.add(400)
    new_job.submit(page)
    expect(page.get_by_role("alert"), "/new").to_contain_text("Nothing was submitted")
    is_without_barriers(watched, "new-refused")


def test_a_job_that_is_submitted_with_warnings_has_no_barriers(watched):
    page = watched.go("/new" + pages.query(name="Folded", model="mistral-7b", region="us-east"))
    page.get_by_role("textbox", name="Your own questions").fill("capital: What is the capital of Peru?\n" * 2)
    new_job.submit(page)
    expect(page.get_by_role("heading", level=1), "/new").to_have_text("The job is submitted")
    expect(page.get_by_role("main"), "/new").to_contain_text("is listed twice; asked once")
    is_without_barriers(watched, "submitted-with-warnings")
