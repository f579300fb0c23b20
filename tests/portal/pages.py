"""Every page of the portal, by a name."""

import urllib.parse

import place


def query(**fields):
    pairs = [(name, one) for name, value in fields.items() for one in ([value] if isinstance(value, str) else value)]
    return "?" + urllib.parse.urlencode(pairs)


class Job:
    """A job that has ended, with its executions as the API lists them now."""

    def __init__(self, of):
        self.id = of
        regions = place.job(of)["regions"]
        listed = place.executions(of)
        self.executions = sorted(listed, key=lambda one: (one["sample"], one["model_id"], regions.index(one["region"])))

    def everywhere(self, question):
        """Those of one entry of its question list, in the job's order of regions."""
        return [execution for execution in self.executions if execution["question"] == question]

    def side_by_side(self, question, beside=1):
        """The first model's answers in so many regions beside that in the first."""
        baseline, *others = [one["id"] for one in self.everywhere(question)[: 1 + beside]]
        return f"/jobs/{self.id}/questions/{question}{query(baseline=baseline, **{'with': others})}"

    def pages(self, question=0):
        """Its pages, by name: their addresses."""
        execution = self.everywhere(question)[0]["id"]
        return {
            "job": f"/jobs/{self.id}",
            "matrix": f"/jobs/{self.id}/matrix",
            "question": f"/jobs/{self.id}/questions/{question}",
            "comparison": self.side_by_side(question),
            "findings": f"/jobs/{self.id}/findings",
            "files": f"/jobs/{self.id}/files",
            "execution": f"/executions/{execution}",
        }


def of_nothing():
    """Pages that are of no job."""
    return {
        "jobs": "/",
        "jobs-none": "/?text=there-is-no-such-job",
        "new": "/new",
        "new-filled": "/new" + query(name="Filled in", builtin="math_basic", model="mistral-7b", region="us-east"),
        "system": "/system",
    }


def errors(of):
    """Addresses that lead nowhere: each with its status."""
    execution = place.executions(of)[0]["id"]
    return {
        "not-found": ("/jobs/no/such/page", 404),
        "no-such-job": ("/jobs/there-is-no-such-job", 404),
        "no-such-execution": (f"/executions/{of}.9999.us-east.0.hostile", 404),
        "no-such-question": (f"/jobs/{of}/questions/9999", 404),
        "wrong-cursor": ("/?before=nonsense", 400),
        "method": (f"/executions/{execution}/label", 405),
    }
