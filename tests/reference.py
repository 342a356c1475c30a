"""Opens the reference in a headless Chromium and uses it as a reader would.

Usage: reference.py ORIGIN EMAIL PASSWORD PICTURE, or reference.py --find, which only looks for the browser. It speaks
the DevTools protocol over the browser's pipe, so it needs nothing but Python and the browser. CHROMIUM names the
browser where it has another name.
"""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import zlib

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
# After so many seconds nothing more is waited for.
PATIENCE = 120
FLAGS = [
    "--headless",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--window-size=1280,1600",
    # Whatever asks for another host does not find it.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def browser():
    for name in [os.environ.get("CHROMIUM"), *NAMES]:
        if name and shutil.which(name):
            return shutil.which(name)
    sys.exit("There is no Chromium. Debian and Ubuntu: apt-get install chromium; or set CHROMIUM to one's path.")


class Page:
    """A page of the browser."""

    def __init__(self, profile):
        (reader, self.commands), (self.events, writer) = os.pipe(), os.pipe()

        def place():
            # The browser reads from 3 and writes to 4. Both ends may be in the way of each other.
            high = [os.dup(reader), os.dup(writer)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        # Chromium does not let root have its sandbox.
        flags = FLAGS + (["--no-sandbox"] if os.geteuid() == 0 else [])
        command = [browser(), *flags, f"--user-data-dir={profile}", "about:blank"]
        self.process = subprocess.Popen(
            command, preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(reader)
        os.close(writer)
        self.buffer, self.number, self.session = b"", 0, None
        self.requests, self.complaints = [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Network", "Log"]:
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.note(answer)

    def receive(self):
        while b"\0" not in self.buffer:
            chunk = os.read(self.events, 1 << 20)
            if not chunk:
                raise RuntimeError("the browser has ended")
            self.buffer += chunk
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def note(self, event):
        method, params = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        if method == "Network.webSocketCreated":
            self.requests.append(params["url"])
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"]))
        if method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(json.dumps(params["entry"]))

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def await_(self, expression):
        """Waits until the page has changed so that the expression is true, and answers with it."""
        return self.evaluate(
            f"""new Promise((resolve) => {{
                const look = () => {{ const found = {expression}; if (found) {{ observer.disconnect(); resolve(found); }} }};
                const observer = new MutationObserver(look);
                observer.observe(document, {{ subtree: true, childList: true, characterData: true, attributes: true }});
                look();
            }})"""
        )

    def go(self, url):
        self.call("Page.navigate", url=url)
        # The document that was there before has no such title.
        while not self.evaluate(f"location.href === {json.dumps(url)} && document.readyState === 'complete'"):
            self.note(self.receive())

    def click(self, selector):
        self.await_(f"document.querySelector({json.dumps(selector)})?.isConnected")
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def picture(self, path):
        data = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        with open(path, "wb") as file:
            file.write(data)
        return data


def painted(png):
    """The share of a picture's bytes that differ from their neighbours'. On a blank one it is nothing."""
    position, packed = 8, b""
    while position < len(png):
        length, kind = int.from_bytes(png[position : position + 4], "big"), png[position + 4 : position + 8]
        if kind == b"IDAT":
            packed += png[position + 8 : position + 8 + length]
        position += length + 12
    lines = zlib.decompress(packed)
    return 1 - lines.count(0) / len(lines)


def use(page, origin, email, password, path):
    page.go(f"{origin}/docs")
    block = "#operations-Profile-get_profile"
    page.click(f"{block} .opblock-summary-control")
    assert "profile:read" in page.await_(f"document.querySelector('{block} .opblock-description')?.innerText")

    values = json.dumps({"email": email, "password": password})
    page.evaluate(
        f"""(() => {{
            const form = document.getElementById("sign-in");
            for (const [name, value] of Object.entries({values})) form.elements[name].value = value;
            form.requestSubmit();
        }})()"""
    )
    state = page.await_("document.getElementById('state').textContent.replace(/^…$|^Sign in to.*/, '')")
    assert state == "Signed in as Ada Admin.", state

    page.click(f"{block} .try-out__btn")
    page.click(f"{block} .execute")
    answer = page.await_(f"document.querySelector('{block} .live-responses-table .response')?.innerText")
    assert answer.split()[0] == "200" and email in answer, answer
    page.evaluate(f"document.querySelector('{block}').scrollIntoView()")
    share = painted(page.picture(path))
    assert share > 0.01, f"{path} is blank: {share}"

    page.go(f"{origin}/problems#invalid_cursor")
    problem = page.evaluate("document.querySelector(':target').innerText")
    assert "Cause" in problem and "Cure" in problem, problem

    for url in page.requests:
        assert url.startswith((f"{origin}/", "data:")), f"a request left the origin: {url}"
    assert any(url == f"{origin}/api/user/profile" for url in page.requests), page.requests
    assert not page.complaints, page.complaints


def main():
    if sys.argv[1:] == ["--find"]:
        browser()
        return
    signal.alarm(PATIENCE)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        page = Page(profile)
        try:
            use(page, *sys.argv[1:])
        finally:
            page.process.kill()
            page.process.wait()


if __name__ == "__main__":
    main()
