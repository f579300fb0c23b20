"""A provider whose answers are meant to harm whoever shows them.

It speaks the OpenAI-compatible chat protocol on loopback, one base address a region (`/us-east/v1`), and
prints its address when it listens. What a question's text holds last in square brackets names the answer,
`once` fails the first time and answers the next, `refused` fails always.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What a script sets that should never have run.
MARK = "__ran"


def runs(name):
    return f"window.{MARK}='{name}';alert('{name}')"


# By name; what acts unseen is written so that it is seen here.
ANSWERS = {
    "script": f"Plain words. <script>{runs('script')}</script> More <b>plain</b> words.",
    "image": f'<img src=x onerror="{runs("image")}"><svg onload="{runs("svg")}"></svg>',
    "link": f"[here](javascript:{runs('link')}) <a href=\"javascript:{runs('link')}\">there</a> "
    "<iframe src=\"javascript:alert(1)\"></iframe> javascript:alert(1) data:text/html,<script>alert(1)</script>",
    "override": "safe \u202egnp.exe\u202c then \u2066isolated\u2069 \u200f\u061c and \u200bnothing\ufeff",
    "line": "".join(f"{number:06d}{'w' * 58}" for number in range(4096)),
    "nul": "before\u0000after \u0007bell \u001b[31mred\u001b[0m \u001b]0;a title\u0007 \u009b32m \u0085 \r\n end",
    "textarea": f"</textarea></title></style></pre></bdi></td></script><script>{runs('textarea')}</script><!--",
    "attribute": f'" autofocus onfocus="{runs("attribute")}" x="\' onmouseover=\'{runs("attribute")}',
    "htmx": f'<div hx-get="/sign-out" hx-trigger="load" hx-on:load="{runs("htmx")}" data-hx-post="/new"></div>',
    "template": "{{7*7}} ${7*7} <%= 7*7 %> &lt;b&gt; &amp;amp; &#x3C;script&#x3E;",
    "marks": "Z" + "\u0351\u0323" * 400 + " \U0001f3f4\U000e0067\U000e0062 \ufffd end",
    "far": "\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002 \u0627\u0644\u0637\u0642\u0633 \u062c\u0645\u064a\u0644 "
    "\u05e9\u05dc\u05d5\u05dd \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "once": "Asked anew, it answers.",
}
# Bytes of the longest line.
LONG = 256 * 1024

asked = {}
lock = threading.Lock()


def said(region, name):
    """Another text in each region, so that there are differences to show."""
    if name == "line":
        return ANSWERS[name]
    return f"In {region} they say: {ANSWERS.get(name, 'nothing')}"


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        region = self.path.split("/")[1]
        question = body["messages"][-1]["content"]
        # Questions quote answers, which may hold brackets of their own.
        name = ["", *re.findall(r"\[(\w+)\]", question)][-1]
        with lock:
            before = asked.get((region, question), 0)
            asked[(region, question)] = before + 1
        if name == "refused" or (name == "once" and before == 0):
            told = ANSWERS["script"]
            self.answer(400, {"error": {"message": told, "type": told, "code": told, "param": told}})
            return
        message = {"role": "assistant", "content": said(region, name)}
        self.answer(
            200,
            {
                "id": ANSWERS["attribute"],
                "object": "chat.completion",
                "model": f"{ANSWERS['image']}\u202e",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 12, "completion_tokens": 24, "total_tokens": 36},
            },
        )

    def answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Nothing: the tests say what went wrong."""


def main():
    assert len(ANSWERS["line"]) == LONG
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
