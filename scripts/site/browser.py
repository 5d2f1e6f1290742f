"""Look at pages in a real browser: headless Chromium, where it is installed, asked through two pipes."""

from __future__ import annotations

import argparse
import base64
import fcntl
import json
import os
import select
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
WIDTHS = {"desk": 1280, "phone": 390}
FLAGS = ("--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
"""Of pages that refms wrote nothing needs a sandbox, which root and containers do not have."""

PATIENCE = 120
"""Seconds for an answer of the browser."""

FAULTS = r"""
(() => {
  const faults = [], shown = one => one.getClientRects().length > 0;
  const all = kind => [...document.querySelectorAll(kind)];
  const right = one => one.getBoundingClientRect().right;
  const outside = document.documentElement, brief = one => one.outerHTML.replace(/\s+/g, " ").slice(0, 90);
  const drawer = one => one && (getComputedStyle(one).position === "fixed" || drawer(one.parentElement));
  const clips = one => {  // the nearest ancestor that does not let its content out
    for (one = one.parentElement; one && one !== document.body; one = one.parentElement)
      if (getComputedStyle(one).overflowX !== "visible") return one;
    return outside;
  };
  const room = one => one === outside ? one.clientWidth : right(one);
  const reachable = one => /auto|scroll/.test(getComputedStyle(one).overflowX) && one !== outside;
  for (const one of all("body *").filter(shown)) {
    const edge = clips(one);
    if (right(one) > room(edge) + 1 && !reachable(edge) && !drawer(one)) {
      faults.push(`wider than the window, by ${brief(one)}`);
      break;
    }
  }
  for (const one of all("img"))
    if (!one.complete || !one.naturalWidth) faults.push(`no picture in ${brief(one)}`);
  for (const one of all("math"))
    if (shown(one) && !(one.getBoundingClientRect().width && one.getBoundingClientRect().height))
      faults.push(`a formula without extent: ${one.textContent.slice(0, 60)}`);
  if (all("merror").length) faults.push("a formula that is none");
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const text = words.currentNode, home = text.parentElement;
    if (!home.closest("code, pre, script, style, math, svg, textarea")
        && /\\(frac|sum|delta|sigma|top|mathbb)\b|\$[^$\s]+\$|:(obj|func|class|math):`|^```/.test(text.data))
      faults.push(`markup that was not read: ${text.data.trim().slice(0, 60)}`);
  }
  return faults;
})()
"""
"""What is wrong with a page as it is laid out: a list of sentences."""

Ask = Callable[..., Any]


def find() -> str | None:
    """Return the Chromium of this machine, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def opened(program: str) -> Iterator[tuple[Ask, list[dict[str, Any]]]]:
    """Start a browser with one empty page; yield ``ask(method, **parameters)`` and the list of its events."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process, write, read = _start([program, *FLAGS, f"--user-data-dir={profile}", "about:blank"])
        try:
            yield _conversation(write, read)
        finally:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            os.close(write)
            os.close(read)


def _start(command: list[str]) -> tuple[int, int, int]:
    """Start a browser that reads messages from its descriptor 3 and writes to 4; return ours of both."""
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    ends = {3: fcntl.fcntl(theirs_in, fcntl.F_DUPFD_CLOEXEC, 10)}
    ends[4] = fcntl.fcntl(theirs_out, fcntl.F_DUPFD_CLOEXEC, 10)
    actions: list[Any] = [(os.POSIX_SPAWN_DUP2, end, number) for number, end in ends.items()]
    actions += [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (1, 2)]
    process = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    for end in (theirs_in, theirs_out, *ends.values()):
        os.close(end)
    return process, ours_out, ours_in


def _conversation(write: int, read: int) -> tuple[Ask, list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []
    state: dict[str, Any] = {"number": 0, "rest": b"", "session": {}}

    def receive() -> dict[str, Any]:
        while b"\0" not in state["rest"]:
            if not select.select([read], [], [], PATIENCE)[0]:
                raise RuntimeError(f"the browser said nothing for {PATIENCE} s.")
            if not (piece := os.read(read, 1 << 16)):
                raise RuntimeError("the browser ended by itself.")
            state["rest"] += piece
        message, _, state["rest"] = state["rest"].partition(b"\0")
        return json.loads(message)

    def ask(method: str, until: str = "", **parameters: Any) -> Any:
        """Send a command; return its result, once the event ``until`` has come, if one is named."""
        state["number"] += 1
        message = {"id": state["number"], "method": method, "params": parameters, **state["session"]}
        os.write(write, json.dumps(message).encode() + b"\0")
        result, came = None, not until
        while result is None or not came:
            answer = receive()
            events.append(answer)
            came = came or answer.get("method") == until
            if answer.get("id") == state["number"]:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                result = answer["result"]
        return result

    page = next(one for one in ask("Target.getTargets")["targetInfos"] if one["type"] == "page")
    session = ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)
    state["session"] = {"sessionId": session["sessionId"]}
    for domain in ("Page", "Runtime", "Log"):
        ask(f"{domain}.enable")
    return ask, events


def look(page: tuple[Ask, list[dict[str, Any]]], address: str, width: int) -> list[str]:
    """Return what is wrong with the page at an address in a window of a width, in pixels."""
    ask, events = page
    events.clear()
    ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    ask("Page.navigate", url=address, until="Page.loadEventFired")
    found = ask("Runtime.evaluate", expression=FAULTS, returnByValue=True)
    if "exceptionDetails" in found:
        raise RuntimeError(found["exceptionDetails"]["exception"]["description"])
    return [*filter(None, map(_complaint, events)), *found["result"]["value"]]


def _complaint(event: dict[str, Any]) -> str:
    """Return what an event says went wrong on the page, or nothing."""
    told = event.get("params", {})
    match event.get("method"):
        case "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            return details.get("exception", {}).get("description", details["text"]).partition("\n")[0]
        case "Runtime.consoleAPICalled" if told["type"] == "error":
            return " ".join(str(one.get("value", one.get("description"))) for one in told["args"])
        case "Log.entryAdded" if told["entry"]["level"] == "error":
            return f"{told['entry']['text']} {told['entry'].get('url', '')}".strip()
    return ""


def screenshot(page: tuple[Ask, list[dict[str, Any]]]) -> bytes:
    """Return the whole page that was looked at last, as PNG."""
    ask, _ = page
    return base64.b64decode(ask("Page.captureScreenshot", captureBeyondViewport=True)["data"])


def pages(folder: Path) -> Iterator[Path]:
    """Yield the pages of a site, without those that only lead to another one."""
    for path in sorted(folder.rglob("*.html")):
        if 'http-equiv="refresh"' not in path.read_text("utf-8"):
            yield path


def main() -> int:
    """Look at every page in both widths, and write screenshots where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the pages")
    parser.add_argument("-o", "--output", type=Path, help="folder for a PNG of each page in each width")
    arguments = parser.parse_args()
    if (program := find()) is None:
        sys.exit(f"no browser: none of {', '.join(NAMES)} is on the PATH (Debian: apt-get install chromium).")
    faults = number = 0
    with opened(program) as page:
        for path in pages(arguments.folder):
            for name, width in WIDTHS.items():
                for fault in look(page, path.resolve().as_uri(), width):
                    print(f"{path} ({name}): {fault}", flush=True)
                    faults += 1
                if arguments.output:
                    shot = arguments.output / path.relative_to(arguments.folder).with_suffix(f".{name}.png")
                    shot.parent.mkdir(parents=True, exist_ok=True)
                    shot.write_bytes(screenshot(page))
            number += 1
    print(f"{number} pages in {len(WIDTHS)} widths, {faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
