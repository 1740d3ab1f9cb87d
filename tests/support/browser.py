"""Headless Chromium, driven over WebDriver: some JSON over HTTP to its own driver, without a library.

Everything here blocks; tests call it on threads, since the node under test runs in their loop.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

WITHIN_S = 20.0
INSTALL = "apt-get install chromium chromium-driver"
_STARTED = re.compile(r"started successfully on port (\d+)")
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the name that the WebDriver standard gives to references
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--window-size=1280,1400",
)


class BrowserError(Exception):
    """The browser could not do it."""


class Browser:
    """One window.

    Args:
        port: Of chromedriver.
        session: Its id.
    """

    def __init__(self, port: int, session: str) -> None:
        self._port = port
        self._path = f"/session/{session}"

    def go(self, url: str) -> None:
        """Open a page and wait until it is loaded."""
        self.command("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page and return what it returns."""
        return self.command("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait_for(self, script: str, *arguments: Any, within_s: float = WITHIN_S) -> Any:
        """Wait until a script returns something that is true, and return it."""
        until = time.monotonic() + within_s
        while not (found := self.run(script, *arguments)):
            if time.monotonic() > until:
                raise BrowserError(f"not within {within_s:g} s: {script}\n{self.text()[:2000]}")
            time.sleep(0.05)
        return found

    def click(self, xpath: str) -> None:
        """Click what an XPath finds first, as a person would: it must be in view and not covered."""
        self.command("POST", f"/element/{self._find(xpath)}/click", {})

    def type(self, xpath: str, text: str) -> None:
        """Put a text in place of what a field has."""
        element = self._find(xpath)
        self.command("POST", f"/element/{element}/clear", {})
        self.command("POST", f"/element/{element}/value", {"text": text})

    def text(self) -> str:
        """Return what the page shows."""
        return str(self.run("return document.body ? document.body.innerText : ''"))

    def screenshot(self, path: Path) -> None:
        """Write a picture of the window."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.command("GET", "/screenshot")))

    def complaints(self) -> list[str]:
        """Return what the page has written to the console as errors since it was asked last."""
        entries = self.command("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def command(self, verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send one command of WebDriver."""
        return _call(self._port, verb, self._path + path, body)

    def _find(self, xpath: str) -> str:
        until = time.monotonic() + WITHIN_S
        while True:
            try:
                found = self.command("POST", "/element", {"using": "xpath", "value": xpath})
                return str(found[_ELEMENT])
            except BrowserError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)


@contextmanager
def browsing(folder: Path, certificate_pem: bytes) -> Iterator[Browser]:
    """Start a browser that has nothing of anybody, and trusts one certificate beside the usual ones.

    Args:
        folder: For its profile and its log.
        certificate_pem: Of the server; the key in it is what is trusted.
    """
    driver = shutil.which("chromedriver")
    binary = shutil.which("chromium")
    assert driver, f"chromedriver is missing: {INSTALL}"
    assert binary, f"Chromium is missing: {INSTALL}"
    process = subprocess.Popen(
        [driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        port = _port_of(process)
        flags = [
            *_FLAGS,
            f"--user-data-dir={folder / 'profile'}",
            f"--ignore-certificate-errors-spki-list={spki_of(certificate_pem)}",
        ]
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": binary, "args": flags},
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        session = _call(port, "POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        try:
            yield Browser(port, session)
        finally:
            _call(port, "DELETE", f"/session/{session}")
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def spki_of(certificate_pem: bytes) -> str:
    """Return the hash of a certificate's key as Chromium's flag wants it."""
    key = x509.load_pem_x509_certificate(certificate_pem).public_key()
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(info).digest()).decode()


def _port_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if found := _STARTED.search(line):
            return int(found[1])
    raise BrowserError("chromedriver did not start")


def _call(port: int, verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(verb, path, data, {"content-type": "application/json"})
        answer = json.loads(connection.getresponse().read())["value"]
    finally:
        connection.close()
    if isinstance(answer, dict) and "error" in answer:
        raise BrowserError(f"{answer['error']}: {answer['message']}")
    return answer
