"""The few calls of StackStorm's API that trying the pack needs.

https://api.stackstorm.com/. The address comes from ``ST2_API_URL``; with authentication on, a token
from ``ST2_AUTH_TOKEN`` or a key from ``ST2_API_KEY``.
"""

from __future__ import annotations

import itertools
import os
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, TypeVar

import requests

T = TypeVar("T")
DONE = ("succeeded", "failed", "timeout", "abandoned", "canceled")
PAGE = 100


class StackStorm:
    """One StackStorm, named by the environment."""

    def __init__(self) -> None:
        self._url = os.environ["ST2_API_URL"].rstrip("/") + "/v1"
        self._session = requests.Session()
        self._session.trust_env = False
        for header, name in (("X-Auth-Token", "ST2_AUTH_TOKEN"), ("St2-Api-Key", "ST2_API_KEY")):
            if os.environ.get(name):
                self._session.headers[header] = os.environ[name]

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """One call; raises ``requests.HTTPError`` with what StackStorm said."""
        answer = self._session.request(
            method, self._url + path, json=body, params=params, timeout=60
        )
        if not answer.ok:
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def start(self, action: str, **parameters: Any) -> str:
        """Request an execution; its id."""
        body = {"action": action, "parameters": parameters}
        return str(self.call("POST", "/executions", body)["id"])

    def wait(self, execution: str, timeout: float = 120) -> Dict[str, Any]:
        """An execution when it has ended."""

        def ended() -> Optional[Dict[str, Any]]:
            found: Dict[str, Any] = self.call("GET", f"/executions/{execution}")
            return found if found["status"] in DONE else None

        return until(ended, f"execution {execution} to end", timeout)

    def run(self, action: str, timeout: float = 120, **parameters: Any) -> Dict[str, Any]:
        """Run an action to its end."""
        return self.wait(self.start(action, **parameters), timeout)

    def executions(self, action: str) -> List[Dict[str, Any]]:
        """The last hundred executions of an action, latest first."""
        return list(self.call("GET", "/executions", action=action, limit=100))

    def every_execution(self, attributes: str, **only: str) -> Iterator[Dict[str, Any]]:
        """All executions, page by page, latest first.

        :param attributes: those wanted, by commas; an execution's result can be long.
        """
        wanted = {"limit": PAGE, "include_attributes": attributes, **only}
        for offset in itertools.count(0, PAGE):
            page = self.call("GET", "/executions", offset=offset, **wanted)
            yield from page
            if len(page) < PAGE:
                return

    def enable(self, kind: str, ref: str) -> None:
        """Switch a rule or sensor on; ``kind`` is ``rules`` or ``sensortypes``."""
        self._switch(kind, ref, enabled=True)

    def disable(self, kind: str, ref: str) -> None:
        """Switch it off again."""
        self._switch(kind, ref, enabled=False)

    def _switch(self, kind: str, ref: str, *, enabled: bool) -> None:
        found = self.call("GET", f"/{kind}/{ref}")
        self.call("PUT", f"/{kind}/{found['id']}", {**found, "enabled": enabled})

    def keys(self, prefix: str) -> Dict[str, str]:
        """Datastore values by name."""
        return {one["name"]: one["value"] for one in self.call("GET", "/keys", prefix=prefix)}


def until(ready: Callable[[], Optional[T]], what: str, timeout: float) -> T:
    """What ``ready`` answers, as soon as it is something."""
    give_up = time.monotonic() + timeout
    while True:
        found = ready()
        if found:
            return found
        if time.monotonic() > give_up:
            raise AssertionError(f"Waited {timeout:.0f} s in vain for {what}.")
        time.sleep(0.5)
