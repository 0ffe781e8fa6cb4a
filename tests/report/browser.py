"""A real browser without a window, driven by plain WebDriver requests; nothing beside Debian's chromium is needed."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
DRIVER = shutil.which("chromedriver") or ""
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip


class Browser:
    """One page at a time, at one size."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._open = build_opener(ProxyHandler({})).open  # the driver is on this machine, whatever proxy there is

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send one request of the WebDriver protocol, and give back its value."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self._address}{path}", data, {"Content-Type": "application/json"}, method=method)
        try:
            with self._open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    def start(self, profile: Path) -> None:
        options = {
            "binary": CHROMIUM,
            "args": [*FLAGS, f"--user-data-dir={profile}"],
            "perfLoggingPrefs": {"enableNetwork": True},
        }
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        self._address += f"/session/{session}"
        self.ask("POST", "/url", {"url": "about:blank"})
        self.messages(), self.requests()  # of the page that a new browser shows

    def stop(self) -> None:
        self.ask("DELETE", "")

    def show(
        self, page: Path, width: int, height: int, scale: float = 1, dark: bool = False, paper: bool = False
    ) -> None:
        """Open a page as on a screen of that size, or as it is printed."""
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600}
        self._tell("Emulation.setDeviceMetricsOverride", **size)
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._tell("Emulation.setEmulatedMedia", media="print" if paper else "", features=[feature])
        self.ask("POST", "/url", {"url": page.as_uri()})

    def _tell(self, command: str, **parameters: Any) -> Any:
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def run(self, script: str) -> Any:
        """Run a script in the page, and give back what it returns."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": []})

    def messages(self) -> list[str]:
        """Say what the console has been told since the last time."""
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"})]

    def requests(self) -> list[str]:
        """List the addresses that were asked for since the last time."""
        events = (
            json.loads(entry["message"])["message"] for entry in self.ask("POST", "/se/log", {"type": "performance"})
        )
        return [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]

    def tree(self) -> list[dict[str, Any]]:
        """Give the page as a screen reader has it."""
        nodes: list[dict[str, Any]] = self._tell("Accessibility.getFullAXTree")["nodes"]
        return [node for node in nodes if not node.get("ignored")]

    def press_tab(self) -> str:
        """Press the tabulator, and say what has the focus then."""
        self._tell("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
        self._tell("Input.dispatchKeyEvent", type="keyUp", key="Tab", code="Tab", windowsVirtualKeyCode=9)
        return str(self.run("const e = document.activeElement; return e.tagName + ' ' + (e.className || e.id || '')"))

    def photograph(self, path: Path) -> None:
        """Take a picture of the whole page, from its top to its end."""
        taken = self._tell("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(taken["data"]))

    def print(self) -> bytes:
        """Print the page; give the PDF."""
        return base64.b64decode(self.ask("POST", "/print", {"page": {"width": 21.0, "height": 29.7}}))


@contextmanager
def open_browser(folder: Path) -> Iterator[Browser]:
    """Start a browser with a new profile in a folder, and end it with its driver."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen([DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    browser = Browser(f"http://127.0.0.1:{port}")
    try:
        for _ in range(100):
            try:
                if browser.ask("GET", "/status")["ready"]:
                    break
            except URLError:
                time.sleep(0.1)
        browser.start(folder / "profile")
        try:
            yield browser
        finally:
            browser.stop()
    finally:
        driver.terminate()
        driver.wait(20)
