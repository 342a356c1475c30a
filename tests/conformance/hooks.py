"""What the generator has to know of the service.

A request that ends sessions, or changes what one signs in with, would take its own credential away
from all requests that follow. So these are sent with a token of their own: of somebody who signs in
anew for each.
"""

import os

import requests
import schemathesis

API = os.environ["CONFORMANCE_API"]
SACRIFICED = {"email": os.environ["CONFORMANCE_EMAIL"], "password": os.environ["CONFORMANCE_PASSWORD"]}
BY_SESSION = os.environ["CONFORMANCE_TOKEN"].startswith("plnx_sess_")

ENDS_SESSIONS = {
    ("POST", "/api/logout"),
    ("DELETE", "/api/user/sessions"),
    ("DELETE", "/api/user/sessions/{id}"),
}


def another_token():
    answer = requests.post(API + "/api/login", json=SACRIFICED, timeout=60)
    answer.raise_for_status()
    return answer.json()["data"]["access_token"]


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = (case.operation.method.upper(), case.operation.path)
    sent = (case.headers or {}).get("Authorization") or (kwargs.get("headers") or {}).get("Authorization")
    mine = "Bearer " + os.environ["CONFORMANCE_TOKEN"]
    if operation in ENDS_SESSIONS and BY_SESSION and sent == mine:
        kwargs.setdefault("headers", {})["Authorization"] = "Bearer " + another_token()
        if case.headers is not None:
            case.headers["Authorization"] = kwargs["headers"]["Authorization"]
    # Forced, an allowlist shuts out the very caller, and with them all requests that follow.
    query = case.query or {}
    if "/ip-whitelist" in case.operation.path and str(query.get("force", "")).lower() == "true":
        query["force"] = "false"
