"""The openai client (PyPI) against a router that runs.

    check.py ROUTER TOKEN CALL_LOG

The provider is simulated and writes down each call in the call log, so that what was sent can be
counted.
"""

import json
import sys
import time

import openai

ROUTER, TOKEN, CALL_LOG = sys.argv[1:]
HERE = {"x-beacon-region": "us-east"}
MODEL = "llama3.2-1b"


def client(**more):
    more = {"api_key": TOKEN, "base_url": f"{ROUTER}/v1", "timeout": 20, **more}
    return openai.OpenAI(**more)


def ask(text, of=None, **more):
    more = {"model": MODEL, "extra_headers": HERE, **more}
    asked = [{"role": "user", "content": text}]
    return (of or client()).chat.completions.create(messages=asked, **more)


def sent():
    """How many calls reached the provider so far."""
    with open(CALL_LOG, encoding="utf-8") as log:
        return sum(json.loads(line)["event"] == "begin" for line in log)


def fails(kind, text="say four", times=None, **more):
    """The error that the client raises, and how often the provider was asked."""
    before = sent()
    try:
        ask(text, **more)
    except openai.APIError as error:
        assert type(error) is kind, f"{text}: {error!r} and not {kind.__name__}"
        asked = sent() - before
        assert times is None or asked == times, f"{text}: asked {asked} times, and not {times}"
        return error
    raise AssertionError(f"{text}: no {kind.__name__}")


def answers():
    told = ask("say four", temperature=0.7, max_completion_tokens=16, seed=7, user="u")
    [choice] = told.choices
    assert told.object == "chat.completion" and told.id.startswith("chatcmpl-"), told
    assert (choice.message.role, choice.message.content) == ("assistant", "4"), told
    assert (choice.finish_reason, choice.message.refusal) == ("stop", None), told
    assert told.usage.total_tokens == told.usage.prompt_tokens + told.usage.completion_tokens
    assert abs(told.created - time.time()) < 3600, told
    assert told.beacon["provider_used"] == "simulated" and told.beacon["region"] == "us-east"
    assert told._request_id, told
    parts = [{"type": "text", "text": "say four"}]
    asked = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": parts}]
    told = client().chat.completions.create(model="org/other", messages=asked, store=False)
    assert told.choices[0].message.content == "4", told
    assert ask("nothing").choices[0].message.content == "", "an empty answer is an answer"


def models():
    listed = {model.id: model.beacon["regions"] for model in client().models.list()}
    assert listed == dict.fromkeys([MODEL, "org/other", "slow"], ["us-east"]), listed
    assert client().models.retrieve("org/other").id == "org/other"
    try:
        client().models.retrieve("unknown")
    except openai.NotFoundError as error:
        assert error.code == "model_not_found", error
    else:
        raise AssertionError("a model that nobody serves")


def refused():
    error = fails(openai.NotFoundError, model="unknown")
    assert (error.code, error.param) == ("model_not_found", "model"), error
    error = fails(openai.NotFoundError, extra_headers={"x-beacon-region": "asia"})
    assert (error.code, error.param) == ("model_not_found", "x-beacon-region"), error
    for name, value in {
        "stream": True,
        "n": 2,
        "logprobs": True,
        "stop": ["x"],
        "response_format": {"type": "json_object"},
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }.items():
        error = fails(openai.BadRequestError, **{name: value}, times=0)
        assert error.param == name, error
    wrong = client(api_key="not-the-token-of-it")
    error = fails(openai.AuthenticationError, of=wrong, times=0)
    assert error.code == "invalid_api_key", error


def failures():
    # Maybe charged for: sent once, though the client asks again after 504 by itself.
    error = fails(openai.InternalServerError, "hang", model="slow", times=1)
    assert (error.status_code, error.code) == (504, "PROVIDER_TIMEOUT"), error
    assert error.body["beacon"]["failure"]["maybe_billed"] is True, error.body
    late = {**HERE, "x-beacon-deadline-ms": "1"}
    error = fails(openai.InternalServerError, "say four", times=0, extra_headers=late)
    assert (error.status_code, error.code) == (504, "DEADLINE_EXCEEDED"), error
    error = fails(openai.BadRequestError, "malformed", times=1)
    assert error.code == "PROVIDER_HTTP_400", error
    # Certainly not charged for.
    patient = client(max_retries=0)
    error = fails(openai.InternalServerError, "busy", of=patient)
    assert error.status_code in (502, 503), error
    fails(openai.RateLimitError, "storm", of=patient)


def keys():
    def key(name):
        return {**HERE, "idempotency-key": name}

    before = sent()
    for _ in range(2):
        ask("say four", extra_headers=key("once:1"))
    assert sent() == before + 1, "a key is one call"
    error = fails(openai.ConflictError, "say four", times=0, seed=9, extra_headers=key("once:1"))
    assert error.code == "key_conflict", error


for check in (answers, models, refused, failures, keys):
    check()
    print(f"ok {check.__name__}")
