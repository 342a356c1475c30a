"""What the generator has to know of the service, and no document can say."""

import os
import uuid

import requests
import schemathesis
from hypothesis import strategies as st

API = os.environ["CONFORMANCE_API"]
TOKEN = os.environ["CONFORMANCE_TOKEN"]
SACRIFICED = {"email": os.environ["CONFORMANCE_EMAIL"], "password": os.environ["CONFORMANCE_PASSWORD"]}

# What ends a session would take the credential away from all requests that follow: it is sent by
# somebody who signs in anew for each.
ENDS_SESSIONS = {
    ("POST", "/api/logout"),
    ("DELETE", "/api/user/sessions"),
    ("DELETE", "/api/user/sessions/{id}"),
}

schemathesis.openapi.format("iana-time-zone", st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles"]))
schemathesis.openapi.format("bcp-47", st.sampled_from(["en-US", "de", "zh-Hant-TW"]))
schemathesis.openapi.format("ip", st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str))
schemathesis.openapi.format("hh:mm", st.times().map(lambda it: f"{it:%H:%M}"))
schemathesis.openapi.format("pagerduty-routing-key", st.text("0123456789abcdef", min_size=32, max_size=32))
schemathesis.openapi.format("cidr", st.ip_addresses(v=4).map(lambda it: f"{it}/32"))


def another_token():
    answer = requests.post(API + "/api/login", json=SACRIFICED, timeout=60)
    answer.raise_for_status()
    return answer.json()["data"]["access_token"]


@schemathesis.hook
def filter_case(context, case):
    # What is no UTF-8 cargo-lambda cannot hand on as an event; API Gateway does, in base 64.
    try:
        return not isinstance(case.body, bytes) or bool(case.body.decode()) or True
    except UnicodeDecodeError:
        return False


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = (case.operation.method.upper(), case.operation.path)
    headers, query = case.headers or {}, case.query or {}
    if operation in ENDS_SESSIONS and headers.get("Authorization") == "Bearer " + TOKEN:
        if TOKEN.startswith("plnx_sess_"):
            headers["Authorization"] = "Bearer " + another_token()
    # A key that was used before, a cursor that was not given out: refusing them is right, whatever
    # the document's patterns say.
    if headers.get("Idempotency-Key", "").isascii() and headers.get("Idempotency-Key", "").isprintable():
        if headers.get("Idempotency-Key"):
            headers["Idempotency-Key"] = uuid.uuid4().hex
    query.pop("cursor", None)
    # Forced, an allowlist shuts out the very caller, and with them all requests that follow.
    if "/ip-whitelist" in case.operation.path and str(query.get("force", "")).lower() == "true":
        query["force"] = "false"
