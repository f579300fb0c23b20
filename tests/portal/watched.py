"""Pages of a browser that are watched: what must never happen on any of them is collected, and told at the end."""

import re

from place import ORIGIN
from playwright.sync_api import expect

from hostile import MARK

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'"
NARROW = 360


class Watched:
    """One page, and everything that went wrong on it."""

    def __init__(self, page):
        self.page = page
        self.problems = []
        # Statuses that a test asks for: the browser notes every failed request on its console.
        self.allowed = set()
        # Whether requests may come to nothing: the browser and htmx note each.
        self.may_fail = False
        page.on("console", self.console)
        page.on("pageerror", lambda error: self.note(f"an error of a script: {error}"))
        page.on("dialog", self.dialog)
        page.on("request", self.request)
        page.on("response", self.response)

    def note(self, problem):
        self.problems.append(f"{self.page.url}: {problem}")

    def console(self, message):
        if message.type not in ("error", "warning"):
            return
        text = message.text
        failed = "Failed to load resource"
        if failed in text and any(f" {status} " in text for status in self.allowed):
            return
        if self.may_fail and (f"{failed}: net::ERR_" in text or text.startswith("htmx: htmx:error: Failed to fetch")):
            return
        self.note(f"the console says: {text} ({message.location.get('url')})")

    def dialog(self, dialog):
        self.note(f"a dialog opened: {dialog.message}")
        dialog.dismiss()

    def request(self, request):
        if not request.url.startswith((f"{ORIGIN}/", f"blob:{ORIGIN}/")):
            self.note(f"a request left for {request.url[:200]}")

    def response(self, response):
        if not response.url.startswith(f"{ORIGIN}/"):
            return
        headers = response.headers
        policy = headers.get("content-security-policy", "")
        if not policy.startswith(POLICY) or "unsafe" in policy:
            self.note(f"{response.url} came with the policy `{policy}`")
        if headers.get("x-content-type-options") != "nosniff":
            self.note(f"{response.url} came without nosniff")

    def go(self, path, status=200):
        """Opens an address, and holds that it answers so."""
        if status >= 400:
            self.allowed.add(status)
        answer = self.page.goto(f"{ORIGIN}{path}")
        assert answer.status == status, f"{path}: {answer.status}, and not {status}"
        return self.page

    def anew(self):
        """Loads the page again, by its address: Chromium refuses to reload a page that has just been put in
        place of another (`Not attached to an active page`)."""
        self.page.goto(self.page.url.split("#")[0])

    def at(self, path):
        """Holds that the page is this one or becomes it, whatever stands behind it in the address."""
        expect(self.page).to_have_url(re.compile(re.escape(f"{ORIGIN}{path}") + r"([?#].*)?$"))

    def is_sound(self, where=None):
        """Nothing of an answer ran."""
        where = where or self.page.url
        ran = self.page.evaluate(f"window.{MARK} ?? null")
        assert ran is None, f"{where}: {ran} ran"
        assert not self.problems, f"{where}:\n" + "\n".join(self.problems)

    def fits(self, where=None):
        """The page is not wider than its window; what is to blame where it is."""
        wide = self.page.evaluate(TOO_WIDE)
        assert not wide, f"{where or self.page.url}: wider than {self.width()} px: {wide}"

    def width(self):
        return self.page.viewport_size["width"]


# The innermost elements that reach over the edge, and that nothing around them cuts off.
TOO_WIDE = """() => {
  const edge = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= edge) return null;
  const cut = (at) => {
    for (let up = at.parentElement; up && up !== document.body; up = up.parentElement)
      if (getComputedStyle(up).overflowX !== 'visible') return true;
    return false;
  };
  // A line that does not wrap reaches further than its box.
  const reach = (at) => at.getBoundingClientRect().left +
    Math.max(at.getBoundingClientRect().width, getComputedStyle(at).overflowX === 'visible' ? at.scrollWidth : 0);
  const over = [...document.body.querySelectorAll('*')].filter((at) => reach(at) > edge + 1 && !cut(at));
  const inner = over.filter((at) => !over.some((other) => other !== at && at.contains(other)));
  const name = (at) => at.tagName.toLowerCase() + (at.id ? '#' + at.id : '') +
    [...at.classList].map((of) => '.' + of).join('') + ' “' + at.textContent.trim().slice(0, 60) + '”';
  return document.documentElement.scrollWidth + ' px: ' + inner.slice(0, 5).map(name).join('; ');
}"""
