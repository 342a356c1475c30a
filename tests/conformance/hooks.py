"""What the generator has to know of the service, and no document can say."""

import os
import string
import uuid

import requests
import schemathesis
from hypothesis import strategies as st

API = os.environ["CONFORMANCE_API"]
PASSWORD = os.environ["CONFORMANCE_PASSWORD"]
SACRIFICED = os.environ["CONFORMANCE_SACRIFICED"]
MISTAKEN = os.environ["CONFORMANCE_MISTAKEN"]
# One of the two, or neither for nobody's requests.
EMAIL = os.environ.get("CONFORMANCE_EMAIL")
KEY = os.environ.get("CONFORMANCE_KEY")

# What ends a session would take the credential away from all requests that follow: each is sent by
# somebody else, who signs in anew for it.
ENDS_SESSIONS = ["/api/logout", "/api/user/sessions", "/api/user/sessions/{id}"]

# After ten wrong passwords or codes an account is throttled, also when it wants to sign in again.
PROVES = [
    "/api/session/reauthenticate",
    "/api/user/password",
    "/api/user/mfa/verify",
    "/api/user/mfa/disable",
    "/api/user/mfa/backup-codes",
]


def sign_in(email):
    answer = requests.post(API + "/api/login", json={"email": email, "password": PASSWORD}, timeout=60)
    if answer.status_code != 200:
        raise RuntimeError(f"{email} cannot sign in: {answer.text}")
    return answer.json()["data"]["access_token"]


class Bearer:
    def set(self, case, data, context):
        case.headers = {**(case.headers or {}), "Authorization": "Bearer " + data}


class Key(Bearer):
    def get(self, case, context):
        return KEY


class Session(Bearer):
    def get(self, case, context):
        return sign_in(EMAIL)


class SessionOfMistaken(Bearer):
    def get(self, case, context):
        return sign_in(MISTAKEN)


class SessionForOnce(Bearer):
    def get(self, case, context):
        return sign_in(SACRIFICED)


if KEY:
    schemathesis.auth()(Key)
elif EMAIL:
    # The shortest session that a policy can allow lives for five minutes.
    schemathesis.auth(refresh_interval=120).skip_for(path=ENDS_SESSIONS + PROVES)(Session)
    schemathesis.auth(refresh_interval=3600).apply_to(path=PROVES)(SessionOfMistaken)
    schemathesis.auth(refresh_interval=None).apply_to(path=ENDS_SESSIONS)(SessionForOnce)

schemathesis.openapi.format("iana-time-zone", st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles"]))
schemathesis.openapi.format("bcp-47", st.sampled_from(["en-US", "de", "zh-Hant-TW"]))
schemathesis.openapi.format("ip", st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str))
schemathesis.openapi.format("cidr", st.ip_addresses(v=4).map(lambda it: f"{it}/32"))


# The header's own grammar is in its pattern, which the generator cannot draw from.
schemathesis.openapi.format("entity-tags", st.sampled_from(["*", '"3"', 'W/"3"', '"3", W/"4"']))
schemathesis.openapi.format("uri", st.sampled_from(["https://hooks.example.com/on-call?to=1", "https://8.8.8.8:8443/"]))


@schemathesis.hook
def filter_case(context, case):
    # What is no UTF-8 cargo-lambda cannot hand on as an event; API Gateway does, in base 64.
    try:
        return not isinstance(case.body, bytes) or bool(case.body.decode()) or True
    except UnicodeDecodeError:
        return False


def is_text(value, characters, most):
    """Whether it is of the form that the document asks for."""
    return isinstance(value, str) and 0 < len(value) <= most and not value.strip(characters)


VISIBLE = "".join(map(chr, range(0x21, 0x7F)))


@schemathesis.hook
def before_call(context, case, kwargs):
    headers, query, body = case.headers or {}, case.query or {}, case.body
    # Refusing what was used before, or was never given out, is right, whatever the document's patterns say.
    if is_text(headers.get("Idempotency-Key"), VISIBLE, 255):
        headers["Idempotency-Key"] = uuid.uuid4().hex
    if is_text(query.get("cursor"), string.ascii_letters + string.digits + "-_", 4096):
        del query["cursor"]
    if case.operation.path == "/api/notifications/events" and isinstance(body, dict):
        if is_text(body.get("id"), VISIBLE, 128):
            body["id"] = uuid.uuid4().hex
    # Hours that are always leave nothing to be delivered, which no document can say.
    hours = body.get("quiet_hours") if isinstance(body, dict) else None
    if isinstance(hours, dict) and hours.get("from") == hours.get("to") == "00:00":
        hours["to"] = "00:01"
    # Forced, an allowlist shuts out the very caller, and with them all requests that follow.
    if "/ip-whitelist" in case.operation.path and str(query.get("force", "")).lower() == "true":
        query["force"] = "false"
