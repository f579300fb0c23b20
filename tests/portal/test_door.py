"""Signing in and out, and forms that are not the session's own."""

import http.server
import threading
import urllib.parse

import jobs
import place
import pytest
from place import ORIGIN, Session, ask, job
from playwright.sync_api import expect

FORM = {"content_type": "application/x-www-form-urlencoded"}


def test_the_printed_address_signs_in_once(opened):
    path = place.SIGN_IN.removeprefix(ORIGIN)
    first = opened(by=None)
    first.page.goto(place.SIGN_IN)
    first.at("/")
    assert "once" not in first.page.url, "/sign-in: the code stands in the address that is shown"
    expect(first.page.get_by_role("heading", level=1), "/").to_be_visible()
    second = opened(by=None)
    second.allowed.add(401)
    second.page.goto(place.SIGN_IN)
    second.at("/sign-in")
    expect(second.page.get_by_role("alert"), "/sign-in, used twice").to_contain_text("has been used")
    second.go("/system")
    second.at("/sign-in")
    assert ask("GET", path).status == 401, f"{path}: signs in again"


def test_a_token_signs_in_and_leads_back(opened):
    watched = opened(by=None)
    page = watched.go("/system?from=here")
    watched.at("/sign-in")
    watched.allowed.add(401)
    page.get_by_label("Token").fill("no-such-token-as-this")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert"), "/sign-in with a wrong token").to_contain_text("not accepted")
    page.get_by_label("Token").fill(place.TOKEN)
    page.get_by_label("Token").press("Enter")
    page.wait_for_url(f"{ORIGIN}/system?from=here")
    page.get_by_role("button", name="Sign out").click()
    watched.at("/sign-in")
    watched.go("/system")
    watched.at("/sign-in")


def test_signing_out_ends_the_session_on_both_sides():
    session = Session()
    assert session.get("/system").status == 200, "/system"
    signed_out = session.post("/sign-out", {"form_token": session.form_token()})
    assert signed_out.status == 303, f"/sign-out: {signed_out.status}"
    again = session.get("/system")
    assert again.status == 303, f"/system with the cookie of before: {again.status}"


def test_back_leads_nowhere_else(opened):
    for to in ["//example.com", "https://example.com/", "/\\example.com", "javascript:alert(1)", "/jobs/a\r\nb"]:
        watched = opened(by=None)
        page = watched.go(f"/sign-in?{urllib.parse.urlencode({'back': to})}")
        page.get_by_label("Token").fill(place.READER)
        page.get_by_role("button", name="Sign in").click()
        watched.at("/")


def test_a_reader_is_shown_no_form_and_may_change_nothing(opened, finished):
    reader = Session(place.READER)
    watched = opened(by=reader)
    for path in ["/", f"/jobs/{finished}", f"/jobs/{finished}/matrix", f"/jobs/{finished}/findings"]:
        page = watched.go(path)
        posts = page.locator("form[method=post]:not(.sign-out)")
        expect(posts, f"{path} for a reader").to_have_count(0)
        links = page.locator("a[href='/new'], a[href$='/retry'], a[href$='/cancel']")
        expect(links, f"{path} for a reader").to_have_count(0)
    watched.go("/new", status=403)
    token = reader.form_token()
    for path in changing(finished):
        answer = reader.post(path, {"form_token": token})
        assert answer.status == 403, f"{path} of a reader: {answer.status}"


def changing(of):
    execution = place.executions(of, status="completed")[0]["id"]
    job_path, execution_path = f"/jobs/{of}", f"/executions/{execution}"
    return [
        "/new",
        "/new/estimate",
        f"{job_path}/cancel",
        f"{job_path}/retry",
        f"{execution_path}/retry",
        f"{execution_path}/label",
    ]


@pytest.fixture(scope="module")
def endless():
    of = jobs.running(jobs.endless("forged"))
    yield of
    jobs.cancelled(of)


def state(of):
    """What no forged form may change."""
    view = job(of)
    listed = place.api("GET", "/api/v1/jobs?limit=100")["jobs"]
    labels = [execution["verdict"] for execution in place.executions(of) if execution["verdict"]]
    return view["status"], view["run"], view["ending"], len(listed), labels


def test_a_form_without_the_sessions_own_text_is_refused(session, endless, finished):
    forged = [{}, {"form_token": ""}, {"form_token": "0" * 64}, {"form_token": Session().form_token()}]
    before = state(endless), state(finished)
    everything = {"verdict": "refused", "note": "forged", "action": "submit", "text": "Who?"}
    for path in [*changing(endless), *changing(finished), "/sign-out"]:
        for fields in forged:
            answer = session.post(path, {**everything, **fields})
            assert answer.status == 403, f"{path} with {fields}: {answer.status}"
            assert "Nothing was changed" in answer.text, f"{path}: does not say that nothing was changed"
    assert (state(endless), state(finished)) == before, "a forged form changed something"
    assert session.get("/system").status == 200, "a forged form signed out"


def test_a_form_with_the_right_text_from_another_site_is_refused(session, endless):
    token = session.form_token()
    before = state(endless)
    for site in ["cross-site", "same-site", "nonsense"]:
        answer = session.post(f"/jobs/{endless}/cancel", {"form_token": token}, sec_fetch_site=site)
        assert answer.status == 403, f"/jobs/{endless}/cancel from {site}: {answer.status}"
    for origin in ["https://example.com", "nonsense", ORIGIN.replace("127.0.0.1", "localhost")]:
        answer = session.post(f"/jobs/{endless}/cancel", {"form_token": token}, origin=origin)
        assert answer.status == 403, f"/jobs/{endless}/cancel from the origin {origin}: {answer.status}"
    assert state(endless) == before, "a form of another site changed something"


def test_another_hosts_name_leads_nowhere(session):
    answer = session.get("/", host="example.com")
    assert answer.status in (403, 421), f"/ of the host example.com: {answer.status}"


def test_a_page_of_another_origin_can_send_no_form_and_frame_no_page(opened, session, endless):
    """Even with the session's own text in it: the browser sends the cookie along to another port."""
    path = f"/jobs/{endless}/cancel"
    before = state(endless)
    page = f"""<!doctype html><title>elsewhere</title><iframe src="{ORIGIN}/"></iframe>
        <form method="post" action="{ORIGIN}{path}">
        <input name="form_token" value="{session.form_token()}"><button>Win</button></form>"""
    with elsewhere(page) as address:
        watched = opened()
        # What goes on elsewhere is not the portal's.
        watched.page.remove_listener("request", watched.request)
        watched.page.remove_listener("console", watched.console)
        watched.page.goto(address)
        frame = watched.page.frames[1]
        assert "Beacon" not in frame.content(), "/: shown in a frame of another origin"
        with watched.page.expect_response(f"{ORIGIN}{path}") as answered:
            watched.page.get_by_role("button", name="Win").click()
        assert answered.value.status == 403, f"{path} from elsewhere: {answered.value.status}"
    assert state(endless) == before, "a page of another origin changed something"


class elsewhere:
    """A page at another port of this machine."""

    def __init__(self, page):
        content = page.encode()

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                """Nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}/"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def test_every_answer_says_what_may_run(session, finished):
    of_job = [f"/jobs/{finished}", f"/jobs/{finished}/live", f"/jobs/{finished}/files/executions.csv"]
    of_nothing = ["/", "/new", "/system", "/sign-in", "/jobs/no/such/page", "/assets/nothing", "/assets/portal.css"]
    for path in of_job + of_nothing:
        answer = session.get(path)
        policy = answer.headers.get("content-security-policy", "")
        assert "unsafe" not in policy, f"{path}: {policy}"
        for part in ["default-src 'none'", "script-src 'self'", "form-action 'self'", "frame-ancestors 'none'"]:
            assert part in policy, f"{path}: `{part}` is not in the policy `{policy}`"
        assert "*" not in policy, f"{path}: {policy}"
        assert answer.headers.get("x-content-type-options") == "nosniff", path
        if "assets/portal" not in path:
            assert answer.headers.get("cache-control") == "no-store", f"{path}: kept by the browser"


def test_cookies_are_out_of_reach(session):
    set_ = [*ask("GET", "/sign-in").headers.get_all("set-cookie"), *session.set_cookie]
    assert len(set_) == 2, f"/sign-in: {len(set_)} cookies"
    for cookie in set_:
        for part in ["HttpOnly", "SameSite=Lax", "Path=/"]:
            assert part in cookie, f"/sign-in: a cookie without {part}"
