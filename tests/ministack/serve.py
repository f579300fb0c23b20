"""The emulator of AWS, until its standard input ends: so whoever started it cannot leave it behind.

The functions that it starts are of its process group and end with it. Where the emulator, in the
version that requirements.txt pins, does otherwise than AWS and the template rests on what AWS does, it
is set right here: docs/deployed.md has the list.
"""

import json
import os
import signal
import string
import threading

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners


def end_with_input():
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGTERM)


def with_numbers(concurrency):
    """CloudFormation makes a number of a parameter's text where a number is wanted. The emulator leaves
    the text, and then polls no queue at all."""

    def of_mapping(mapping, *others):
        scaling = mapping.get("ScalingConfig") or {}
        if "MaximumConcurrency" in scaling:
            scaling["MaximumConcurrency"] = int(scaling["MaximumConcurrency"])
        return concurrency(mapping, *others)

    return of_mapping


def over_tls(condition_key):
    """AWS is asked over TLS, the emulator on loopback is not. Its policies are evaluated as on AWS, and
    those of the queues refuse what does not come over TLS."""

    def resolved(key, context):
        return "true" if key.lower() == "aws:securetransport" else condition_key(key, context)

    return resolved


def of_single_messages(action_of):
    """Who may send a message may send a batch of them: SQS knows no permission of its own for batches."""

    def action(service, *request):
        action = action_of(service, *request)
        return action.removesuffix("Batch") if service == "sqs" and action else action

    return action


def with_leading_keys(context):
    """DynamoDB tells policies the partition keys that a request names."""

    def of_request(body):
        key = json.loads(body or b"{}").get("Key", {}).get("pk", {}).get("S")
        return context(body) | ({"dynamodb:LeadingKeys": [key]} if key else {})

    return of_request


def without_whole_classes(secret_string):
    """Secrets Manager leaves punctuation and capitals out of a generated secret where it is told to."""

    def generated(properties):
        asked = dict(properties.get("GenerateSecretString") or {})
        classes = {"ExcludePunctuation": string.punctuation, "ExcludeUppercase": string.ascii_uppercase}
        left_out = [characters for name, characters in classes.items() if asked.get(name)]
        asked["ExcludeCharacters"] = "".join([asked.get("ExcludeCharacters", ""), *left_out])
        return secret_string({**properties, "GenerateSecretString": asked} if left_out else properties)

    return generated


def known_by_arn(create):
    """What a template's Ref of a secret is, and so what its roles name: the whole ARN."""

    def created(*asked):
        _name, attributes = create(*asked)
        return attributes["Arn"], attributes

    return created


def of_one_metric(create):
    """CloudWatch reckons with several metrics. The emulator refuses to, so that an alarm gets the first of
    them: no metric ever comes to the alarms here."""

    def created(name, properties, stack):
        asked = dict(properties)
        metrics = [metric["MetricStat"] for metric in asked.pop("Metrics", []) if "MetricStat" in metric]
        if metrics:
            asked |= {**metrics[0]["Metric"], "Period": metrics[0]["Period"], "Statistic": "Sum"}
        return create(name, asked, stack)

    return created


if __name__ == "__main__":
    os.setpgid(0, 0)
    lambda_svc._sqs_esm_concurrency = with_numbers(lambda_svc._sqs_esm_concurrency)
    iam_evaluator._resolve_condition_key = over_tls(iam_evaluator._resolve_condition_key)
    iam_actions.dynamodb_service_context = with_leading_keys(iam_actions.dynamodb_service_context)
    iam_actions.extract_iam_action = of_single_messages(iam_actions.extract_iam_action)
    provisioners._sm_secret_string = without_whole_classes(provisioners._sm_secret_string)
    handlers = provisioners._RESOURCE_HANDLERS
    for kind, corrected in [
        ("AWS::SecretsManager::Secret", known_by_arn),
        ("AWS::CloudWatch::Alarm", of_one_metric),
    ]:
        handlers[kind]["create"] = corrected(handlers[kind]["create"])
    threading.Thread(target=end_with_input, daemon=True).start()
    app.main()
