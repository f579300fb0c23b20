"""Answers, questions, names and notes that are meant to harm, in every place that shows text."""

import hostile
import pages
import place
import pytest
from place import executions, job

# What acts unseen, and must have been made visible: what turns the direction of writing, and C0 and C1. The
# two marks that scripts are written with stay.
UNSEEN = [chr(at) for at in [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x061C, 0x200B, 0xFEFF]]
CONTROLS = [chr(at) for at in range(0x20) if chr(at) not in "\t\n\r"] + ["\x7f", "\x9b"]


def places(of):
    """Every page that shows a text of this job, by name."""
    job_ = pages.Job(of)
    found = {"jobs": "/", "system": "/system", **job_.pages()}
    for at, name in enumerate([*hostile.ANSWERS, "refused", "longest"]):
        found[f"question {name}"] = f"/jobs/{of}/questions/{at}"
        found[f"comparison {name}"] = job_.side_by_side(at)
        found[f"execution {name}"] = f"/executions/{job_.everywhere(at)[0]['id']}"
    failed = executions(of, status="failed")[0]["id"]
    found["parts"] = f"/jobs/{of}/files/executions.jsonl?parts=1"
    found["retry"] = f"/jobs/{of}/retry"
    found["execution's retry"] = f"/executions/{failed}/retry"
    return found


def test_nothing_of_an_answer_runs_and_no_page_is_wider_than_its_window(narrow, harmful):
    wrong = []
    for name, path in places(harmful).items():
        page = narrow.go(path)
        for check in [narrow.is_sound, narrow.fits]:
            try:
                check(f"{name} ({path})")
            except AssertionError as error:
                wrong.append(str(error))
        unseen = page.evaluate(f"[...{''.join(UNSEEN)!r}].filter((one) => document.body.textContent.includes(one))")
        if unseen:
            wrong.append(f"{name} ({path}): shows {[hex(ord(one)) for one in unseen]} as they came")
        title = page.title()
        if any(one in title for one in UNSEEN):
            wrong.append(f"{name} ({path}): its title has what acts unseen: {title!r}")
    assert not wrong, "\n".join(wrong)


def test_what_came_is_no_markup(session, harmful):
    """In the page's own bytes: nothing of a text is a tag, an attribute or a control character."""
    markup = ["<script>window", "<img src=x", "<svg onload", "<iframe src=\"java", 'href="javascript:', "<div hx-get"]
    for name, path in places(harmful).items():
        page = session.get(path).body.decode()
        for one in markup:
            assert one not in page, f"{name} ({path}): `{one}` stands in it as markup"
        controls = [hex(ord(one)) for one in CONTROLS if one in page]
        assert not controls, f"{name} ({path}): holds {controls}"


def test_what_came_is_shown(watched, harmful):
    """Escaped is not left out: people see what was said."""
    spec = {name: at for at, name in enumerate(hostile.ANSWERS)}
    job_ = pages.Job(harmful)
    shown = {
        "script": "<script>window.__ran='script';alert('script')</script>",
        "textarea": "</textarea></title></style></pre></bdi></td></script><script>",
        "override": "safe [U+202E]gnp.exe",
        "nul": "before[U+0000]after",
        "template": "{{7*7}} ${7*7} <%= 7*7 %> &lt;b&gt; &amp;amp; &#x3C;script&#x3E;",
        "far": "今天天气很好。",
    }
    for name, text in shown.items():
        here = job_.everywhere(spec[name])[0]
        for path in [f"/executions/{here['id']}", f"/jobs/{harmful}/questions/{spec[name]}"]:
            page = watched.go(path)
            assert text in page.get_by_role("main").inner_text(), f"{path}: `{text}` is not shown"
        watched.is_sound(path)


def test_a_long_line_wraps_and_is_whole(narrow, harmful):
    at = list(hostile.ANSWERS).index("line")
    path = f"/executions/{pages.Job(harmful).everywhere(at)[0]['id']}"
    page = narrow.go(path)
    narrow.fits(path)
    text = page.get_by_role("main").inner_text()
    assert hostile.ANSWERS["line"][:2000] in text, f"{path}: the line does not begin as it came"
    assert hostile.ANSWERS["line"][-2000:] in text, f"{path}: the end of the line is not shown"


def test_the_form_gives_back_what_was_typed_as_text(watched, harmful):
    """A refused form keeps its values, and they are hostile too."""
    harm = place.job(harmful)["name"]
    page = watched.go("/new")
    page.get_by_role("textbox", name="Name").fill(harm)
    own = page.get_by_label("one a line", exact=False)
    own.fill(f"{harm}\n{hostile.ANSWERS['textarea']}\n{hostile.ANSWERS['attribute']}")
    watched.allowed.add(400)
    page.get_by_role("button", name="Submit").click()
    assert page.get_by_role("alert").count(), "/new with nothing chosen: no error"
    assert hostile.ANSWERS["textarea"] in own.input_value(), "/new: what was typed is lost"
    watched.is_sound("/new, refused")


@pytest.mark.parametrize("text", [hostile.ANSWERS["attribute"], hostile.ANSWERS["textarea"], "\u202e" + "x" * 900])
def test_what_stands_in_an_address_is_text(narrow, harmful, text):
    fields = {"text": text, "status": text, "region": text, "model": text, "verdict": text, "page": text}
    fields = {**fields, "category": text, "question": text, "before": text, "baseline": text, "with": text}
    of = job(harmful)["id"]
    failed = executions(of, status="failed")[0]["id"]
    paths = ["/", f"/jobs/{of}/matrix", f"/jobs/{of}", f"/jobs/{of}/questions/0", f"/jobs/{of}/findings"]
    for path in [*paths, f"/executions/{failed}", "/system", "/sign-in", "/jobs/no/such/page", f"/jobs/{of}/files"]:
        for names in [fields, {name: fields[name] for name in fields if name not in ("before", "baseline", "with")}]:
            narrow.allowed |= {400, 404}
            answer = narrow.page.goto(f"{place.ORIGIN}{path}{pages.query(**names)}")
            assert answer.status in (200, 400, 404), f"{path} with `{text[:40]}`: {answer.status}"
            narrow.is_sound(f"{path} with `{text[:40]}`")
            narrow.fits(f"{path} with `{text[:40]}`")
