"""Translates template.yaml as a deployment would, for each architecture, and checks what comes out.

`sam validate` overlooks much of what SAM's transform refuses, and of the resources that the transform makes (roles,
permissions, integrations) no linter of the template sees anything.
"""

import json
import logging
import subprocess
import sys
from pathlib import Path

from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

TEMPLATE = Path("template.yaml")
OUT = Path(".local/lint")
# What a function may be granted at all: no table is scanned.
ACTIONS = {
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
    "secretsmanager:GetSecretValue",
    # For the queue of what a function's stream or events have to give up.
    "sqs:SendMessage",
}
# What Lambda reads a stream with, by the role of the function that it feeds.
STREAM_ACTIONS = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
}
# What the role of a schedule may do: invoke its function.
SCHEDULE_ACTIONS = {"lambda:InvokeFunction"}
# The only policy that is not written here: for writing logs.
MANAGED_POLICY = "service-role/AWSLambdaBasicExecutionRole"
# CloudWatch makes no alarm of more metrics.
MAX_METRICS = 10
# The functions of which an alarm need not watch this metric. A command that the operator is refused is an error.
UNWATCHED = {"Errors": {"OperatorFunction"}, "Throttles": set()}


class NoManagedPolicies:
    """The template names none by name; asking IAM for the list would need an account."""

    def load(self):
        return {}


def translate(architecture):
    template = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            # `sam package` puts an address there before the transform sees it.
            resource["Properties"]["CodeUri"] = f"s3://artifacts/{name}"
    # With origins, for what CORS becomes; with none it is the template's default that is left out.
    parameters = {"Architecture": architecture, "AllowedOrigins": "https://a.example,https://b.example"}
    return transform(template, parameters, NoManagedPolicies())


def listed(value):
    return value if isinstance(value, list) else [value]


def faults_of_role(name, properties):
    for arn in properties.get("ManagedPolicyArns", []):
        if not json.dumps(arn).rstrip('"}').endswith(MANAGED_POLICY):
            yield f"{name}: managed policy {arn}"
    is_schedule = "scheduler.amazonaws.com" in json.dumps(properties["AssumeRolePolicyDocument"])
    granted = SCHEDULE_ACTIONS if is_schedule else ACTIONS | STREAM_ACTIONS
    for policy in properties.get("Policies", []):
        for statement in listed(policy["PolicyDocument"]["Statement"]):
            actions = listed(statement.get("Action", "*"))
            # Deny narrows, and may name what it likes.
            if statement["Effect"] == "Allow" and not granted.issuperset(actions):
                yield f"{name}: {sorted(set(actions) - granted)} is more than functions are granted"
            if any(isinstance(r, str) for r in listed(statement.get("Resource", "*"))):
                yield f"{name}: {actions} on a resource that is not one of this template"
            if any(action.startswith("dynamodb:") for action in set(actions) - STREAM_ACTIONS):
                keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {})
                if not keys.get("dynamodb:LeadingKeys"):
                    yield f"{name}: {actions} without dynamodb:LeadingKeys"


def faults_of(template):
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Role":
            yield from faults_of_role(name, properties)
        if resource["Type"] == "AWS::ApiGatewayV2::Api":
            cors = json.dumps(properties["Body"].get("x-amazon-apigateway-cors"))
            for key in ("allowOrigins", "allowMethods", "allowHeaders", "exposeHeaders"):
                if key not in cors:
                    yield f"{name}: the transform lost {key}"
        if resource["Type"] == "AWS::Lambda::Function":
            # Lambda makes a log group that is kept for ever where none is named.
            if "LogGroup" not in properties.get("LoggingConfig", {}):
                yield f"{name}: no log group of its own"


def faults_of_alarms(template):
    functions = {name for name, it in template["Resources"].items() if it["Type"] == "AWS::Lambda::Function"}
    watched = {metric: set(unwatched) for metric, unwatched in UNWATCHED.items()}
    for name, resource in template["Resources"].items():
        metrics = [it["MetricStat"]["Metric"] for it in resource.get("Properties", {}).get("Metrics", []) if "MetricStat" in it]
        if resource["Type"] == "AWS::CloudWatch::Alarm" and len(metrics) > MAX_METRICS:
            yield f"{name}: {len(metrics)} metrics, of which an alarm can have {MAX_METRICS}"
        for metric in metrics:
            dimensions = [it["Value"].get("Ref") for it in metric["Dimensions"] if it["Name"] == "FunctionName"]
            watched.get(metric["MetricName"], set()).update(dimensions)
    for metric, names in watched.items():
        for name in sorted(functions - names):
            yield f"{name}: no alarm watches its {metric}"


def main():
    # It wants its metrics published, and here is nobody to publish them to.
    logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)
    OUT.mkdir(parents=True, exist_ok=True)
    failed = False
    for architecture in ("arm64", "x86_64"):
        try:
            template = translate(architecture)
        except InvalidDocumentException as refused:
            for cause in refused.causes:
                print(f"{TEMPLATE} ({architecture}): {cause.message}")
            failed = True
            continue
        for fault in [*faults_of(template), *faults_of_alarms(template)]:
            print(f"{TEMPLATE} ({architecture}): {fault}")
            failed = True
        out = OUT / f"template.{architecture}.json"
        out.write_text(json.dumps(template, indent=1), encoding="utf-8")
        # W2001, a parameter without a use: the transform puts some parameters' values in their place.
        cfn_lint = [Path(sys.executable).parent / "cfn-lint", "--ignore-checks", "W2001", "--", out]
        linted = subprocess.run(cfn_lint, check=False)
        failed = failed or linted.returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
