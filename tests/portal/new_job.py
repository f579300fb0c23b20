"""The form of a new job, filled in as a person does."""

import jobs


def group(page, name):
    return page.get_by_role("group", name=name, exact=True)


def choose(page, spec, regions):
    """Ticks what the specification names; regions by their canonical names."""
    page.get_by_role("textbox", name="Name").fill(spec["name"])
    for question in spec["questions"]:
        page.get_by_role("checkbox", name=question).check()
    for model in spec["models"]:
        group(page, "Models").get_by_role("checkbox", name=model).check()
    for region in regions:
        group(page, "Regions").get_by_role("checkbox", name=region).check()


def example(page, name):
    """The example job, under another name."""
    choose(page, {**jobs.example("x"), "name": name}, ["us-east", "eu-west", "asia-pacific"])


def submit(page):
    page.get_by_role("button", name="Submit the job").click()
