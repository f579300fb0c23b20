"""Deploys template.yaml to the emulator as `sam package` and `sam deploy` would.

What is given from outside: where the code lies (the packages are uploaded to a bucket of the
emulator, and CodeUri and ContentUri name them there) and the parameters. Everything else of the
template stays as it is. Where it is, and the token that opens it, are written to a file that its owner alone
may read.
"""

import argparse
import json
import pathlib
import zipfile

import boto3
import yaml

BUCKET = "packages"
REGION = "us-east-1"
DEAD_LETTERS = ["Dispatch", "Question", "Completion"]
# Where a resource says what it is made of.
CODE = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
}


class Template(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, read as the long ones."""


def short_form(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


Template.add_multi_constructor("!", short_form)
# A version is a text here, not a date.
Template.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def package(source, target):
    """A zip of a program as `bootstrap`, or of what a folder holds."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        files = [source] if source.is_file() else sorted(source.rglob("*"))
        for file in files:
            if not file.is_file():
                continue
            name = "bootstrap" if source.is_file() else str(file.relative_to(source))
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if source.is_file() else 0o644) << 16
            archive.writestr(entry, file.read_bytes())


def code_of(resource, template_folder, programs):
    """Where the code of a function, or the files of a layer, lie on this machine."""
    if resource["Type"] == "AWS::Serverless::Function":
        return programs / resource["Metadata"]["BuildProperties"]["Binary"] / "bootstrap"
    return template_folder / resource["Properties"]["ContentUri"]


def upload(template, template_folder, programs, scratch, s3):
    s3.create_bucket(Bucket=BUCKET)
    for name, resource in template["Resources"].items():
        if (key := CODE.get(resource["Type"])) is None:
            continue
        archive = scratch / f"{name}.zip"
        package(code_of(resource, template_folder, programs), archive)
        s3.upload_file(str(archive), BUCKET, archive.name)
        resource["Properties"][key] = {"Bucket": BUCKET, "Key": archive.name}


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--endpoint", required=True)
    arguments.add_argument("--template", required=True, type=pathlib.Path)
    arguments.add_argument("--programs", required=True, type=pathlib.Path)
    arguments.add_argument("--scratch", required=True, type=pathlib.Path)
    arguments.add_argument("--stack", required=True)
    arguments.add_argument("--deployed", required=True, type=pathlib.Path)
    arguments.add_argument("--parameter", action="append", default=[])
    given = arguments.parse_args()

    def client(service):
        return boto3.client(
            service,
            endpoint_url=given.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    template = yaml.load(given.template.read_text(), Template)
    upload(template, given.template.parent, given.programs, given.scratch, client("s3"))
    packaged = given.scratch / "packaged.json"
    packaged.write_text(json.dumps(template))
    client("s3").upload_file(str(packaged), BUCKET, packaged.name)

    cloudformation = client("cloudformation")
    pairs = [parameter.split("=", 1) for parameter in given.parameter]
    cloudformation.create_stack(
        StackName=given.stack,
        TemplateURL=f"{given.endpoint}/{BUCKET}/{packaged.name}",
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in pairs],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    try:
        waiter.wait(StackName=given.stack, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    except Exception:
        for event in cloudformation.describe_stack_events(StackName=given.stack)["StackEvents"]:
            if "FAILED" in event["ResourceStatus"]:
                print(event["LogicalResourceId"], event.get("ResourceStatusReason"))
        raise
    stack = cloudformation.describe_stacks(StackName=given.stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=given.stack)
    summaries = [summary for page in pages for summary in page["StackResourceSummaries"]]
    place = {summary["LogicalResourceId"]: summary["PhysicalResourceId"] for summary in summaries}
    secret = client("secretsmanager").get_secret_value(SecretId=outputs["TokensSecretArn"])
    deployed = {
        "token": json.loads(secret["SecretString"])["BEACON_ADMIN_TOKENS"],
        # The emulator has no name service that knows the API's own name.
        "api": f"{given.endpoint}/_aws/execute-api/{place['Api']}/$default",
        "queues": {
            "question": place["QuestionQueue"],
            "dead": [place[f"{name}DeadLetterQueue"] for name in DEAD_LETTERS],
        },
    }
    given.deployed.touch(0o600)
    given.deployed.write_text(json.dumps(deployed))


if __name__ == "__main__":
    main()
