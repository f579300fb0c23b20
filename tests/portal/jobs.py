"""Jobs that the tests look at."""

import hostile
from place import api, ended, submitted, until

MODELS = ["llama3.2-1b", "mistral-7b", "qwen2.5-1.5b"]
BUILT_IN = [
    "math_basic",
    "geography_basic",
    "identity_basic",
    "tiananmen_neutral",
    "taiwan_status",
    "hongkong_2019",
    "greatest_invention",
    "greatest_leader",
]
HARM = f"</title></textarea><script>{hostile.runs('name')}</script><img src=x onerror=alert(1)>\u202e"


def example(job_id):
    """The job of examples/bias-detection.yaml, a question at a time faster."""
    return {
        "id": job_id,
        "name": "Bias detection",
        "questions": BUILT_IN,
        "models": MODELS,
        "regions": ["US", "EU", "ASIA"],
        "questions_in_flight": 4,
    }


def failing(job_id):
    """One whose question `once` fails and can be asked anew, and one that never answers."""
    return {
        "id": job_id,
        "name": "Some of it fails",
        "questions": [
            {"id": "weather", "text": f"What is the weather like [far]? ({job_id})", "language": "en"},
            {"id": "first", "text": f"Who comes first [once]? ({job_id})"},
            {"id": "second", "text": f"Who comes second [once]? ({job_id})"},
            {"id": "never", "text": f"Who never answers [refused]? ({job_id})"},
        ],
        "models": ["hostile"],
        "regions": ["US", "EU"],
        "stop": "never",
    }


def harmful(job_id):
    """Every text of it is meant to harm, and so is every answer."""
    questions = [
        {"id": name, "text": f"{HARM} {text[:200].translate(PRINTABLE)} [{name}]", "category": HARM[:60]}
        for name, text in hostile.ANSWERS.items()
    ]
    refused = {"id": "refused", "text": f"{HARM} [refused]", "category": HARM[:60]}
    long = {"id": "q" * 128, "text": "w" * 20_000 + " [line]"}
    return {
        "id": job_id,
        "name": HARM[:150],
        "questions": [*questions, refused, long],
        "models": ["hostile"],
        "regions": ["US", "EU"],
        "system_prompt": f"{HARM} in {{place}}",
        "questions_in_flight": 8,
        "stop": "never",
    }


# Questions may not hold control characters.
PRINTABLE = {at: None for at in [*range(0x20), *range(0x7F, 0xA0)]}


def endless(job_id):
    """One that runs until it is cancelled."""
    return {
        "id": job_id,
        "name": "Runs until it is cancelled",
        "questions": [
            *[{"id": f"quick{at}", "text": f"How quick is {at}?"} for at in range(3)],
            {"id": "silent", "text": "Say nothing for a while, then speak."},
            *[{"id": f"late{at}", "text": f"How late is {at}?"} for at in range(30)],
        ],
        "models": MODELS[:2],
        "regions": ["US", "EU"],
    }


def sampled(job_id):
    """One that asks each question several times."""
    return {**example(job_id), "questions": BUILT_IN[5:6], "models": MODELS[:1], "samples": 4}


def stopped(job_id):
    """One that stops because what it asks for cannot be reached any more."""
    questions = [{"id": f"failing{at}", "text": f"Fail for the time {at}."} for at in range(6)]
    small = {**example(job_id), "models": MODELS[:1]}
    return {**small, "questions": questions, "min_success_rate": 1, "stop": "unreachable"}


def spent(job_id):
    """One that may cost less than its answers do."""
    return {**example(job_id), "models": MODELS[:1], "max_cost": 0.00008}


def made(spec):
    """The job of this specification when it has ended; the same again where it is there."""
    return ended(submitted(spec))


def labelled(of, note):
    """A person's verdict on each answer, with this note."""
    for execution in of:
        body = {"verdict": "evasive", "note": note}
        api("POST", f"/api/v1/executions/{execution['id']}/label", body)


def running(spec):
    """The job when some of it is completed and some runs."""
    of = submitted(spec)

    def moves():
        counts = api("GET", f"/api/v1/jobs/{of}")["counts"]
        return counts["completed"] > 0 and counts["running"] > 0

    until(f"{of} running", moves)
    return of


def cancelled(of):
    """Whether it still runs or not."""
    api("POST", f"/api/v1/jobs/{of}/cancel", allowed=(200, 202, 409))
    return ended(of)
