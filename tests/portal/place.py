"""The Beacon under test: where it is, its API, and requests as a browser would not send them."""

import http.client
import json
import os
import pathlib
import time
import urllib.parse

SIGN_IN = os.environ["PORTAL_SIGN_IN"]
ORIGIN = "http://" + urllib.parse.urlsplit(SIGN_IN).netloc
DATA = pathlib.Path(os.environ["PORTAL_DATA"])
TOKEN = (DATA / "token").read_text(encoding="utf-8").strip()
READER = os.environ["PORTAL_READER"]
SUBMITTER = os.environ["PORTAL_SUBMITTER"]
BROWSER = os.environ["PORTAL_BROWSER"]
BEACON = os.environ["PORTAL_BEACON"]
PICTURES = pathlib.Path(os.environ["PORTAL_PICTURES"])

FINAL = {"completed", "failed", "cancelled", "timed_out"}
# Seconds that anything may take that is waited for.
PATIENCE = 60


class Answer:
    """A response, read whole."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


def ask(method, path, body=None, **headers):
    """One request, without following where it leads; `sec_fetch_site` is the header `sec-fetch-site`."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(ORIGIN).netloc, timeout=PATIENCE)
    try:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def api(method, path, body=None, allowed=(200, 202)):
    """A request to the API with the token that allows everything."""
    content = None if body is None else json.dumps(body)
    sent = {"authorization": f"Bearer {TOKEN}", "content_type": "application/json"}
    answer = ask(method, path, content, **sent)
    assert answer.status in allowed, f"{method} {path}: {answer.status} {answer.text[:400]}"
    return answer.json


def until(what, found, seconds=PATIENCE):
    """What `found` returns as soon as it is something."""
    deadline = time.monotonic() + seconds
    while True:
        value = found()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)


def submitted(spec):
    """The id of a job of this specification."""
    return api("POST", "/api/v1/jobs", spec)["id"]


def job(of):
    return api("GET", f"/api/v1/jobs/{of}")


def ended(of):
    """The job when it has ended and its findings are there."""

    def found():
        view = job(of)
        return view if view["status"] in FINAL else None

    view = until(f"the end of {of}", found)

    def findings():
        sent = {"authorization": f"Bearer {TOKEN}"}
        answer = ask("GET", f"/api/v1/jobs/{of}/findings", **sent)
        return answer.status == 200 and not answer.json.get("is_due")

    until(f"the findings of {of}", findings)
    return view


def executions(of, **filters):
    """All executions of a job as the API lists them."""
    found, cursor = [], None
    while True:
        query = {"limit": 1000, **filters, **({"cursor": cursor} if cursor else {})}
        page = api("GET", f"/api/v1/jobs/{of}/executions/all?{urllib.parse.urlencode(query)}")
        found += page["executions"]
        cursor = page["cursor"]
        if not cursor:
            return found


def findings(of):
    return api("GET", f"/api/v1/jobs/{of}/findings")


class Session:
    """Somebody who signed in, without a browser."""

    def __init__(self, token=TOKEN):
        shown = ask("GET", "/sign-in")
        jar = cookies(shown)
        fields = {"form_token": form_token(shown.text), "token": token, "back": "/"}
        kind = "application/x-www-form-urlencoded"
        sent = {"cookie": written(jar), "content_type": kind}
        signed = ask("POST", "/sign-in", urllib.parse.urlencode(fields), **sent)
        assert signed.status == 303, f"/sign-in: {signed.status} {signed.text[:400]}"
        self.set_cookie = signed.headers.get_all("set-cookie")
        self.jar = {**jar, **cookies(signed)}

    def get(self, path, **headers):
        return ask("GET", path, cookie=written(self.jar), **headers)

    def post(self, path, fields, **headers):
        kind = {"content_type": "application/x-www-form-urlencoded", **headers}
        return ask("POST", path, urllib.parse.urlencode(fields), cookie=written(self.jar), **kind)

    def form_token(self):
        """What forms of this session carry."""
        return form_token(self.get("/").text)

    def for_browser(self):
        """Its cookies, as a browser takes them."""
        return [{"name": name, "value": value, "url": ORIGIN} for name, value in self.jar.items()]


def form_token(page):
    return page.split('name="form_token" value="', 1)[1].split('"', 1)[0]


def cookies(answer):
    set_ = answer.headers.get_all("set-cookie") or []
    pairs = [cookie.split(";", 1)[0].split("=", 1) for cookie in set_]
    return dict(pairs)


def written(jar):
    return "; ".join(f"{name}={value}" for name, value in jar.items())
