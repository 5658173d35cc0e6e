"""A real Roundup 2.6 on a free loopback port, in a temporary directory, for tests and the demo.

Needs the PyPI package ``roundup`` in the running interpreter's environment. As root, the server
gives its privileges up, unless Python, Roundup or the temporary directory lie where others may not
look, as in root's own home: without them it would refuse every request (400).
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, List, Mapping, Optional, Tuple, Type

import requests
import roundup

from sandbox.ports import LOOPBACK, SandboxError, accepts, end_process, free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
BOT = "reviewbot"
BOT_PASSWORD = "reviewbot-password"
COMMITTEE = ("committee1", "committee2", "committee3")
HUMAN = "human"
START_ATTEMPTS = 3
#: Where the server imports from: Roundup, and Python itself.
_IMPORTED = (*roundup.__path__, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))


@dataclass(frozen=True)
class SeenIssue:
    """An issue as the tracker serves it to a person: names, not ids."""

    id: str
    title: str
    status: str
    assignee: str
    keywords: Tuple[str, ...]
    messages: Tuple[str, ...]
    superseders: Tuple[str, ...]
    url: str


class RoundupServer:
    """A running tracker; use it as a context manager.

    Users: :data:`BOT` for the pack, :data:`COMMITTEE`, and :data:`HUMAN`, an administrator
    who does what people do.
    Everybody's password is the name with ``-password`` behind it.
    """

    def __init__(self) -> None:
        self.port = 0
        self._home: Optional[Path] = None
        self._process: Optional[subprocess.Popen[bytes]] = None

    @property
    def url(self) -> str:
        """The tracker's web address, for people and for ``tracker.url``."""
        return f"http://{LOOPBACK}:{self.port}/demo/"

    @property
    def token(self) -> str:
        """``user:password`` of the pack's account."""
        return f"{BOT}:{BOT_PASSWORD}"

    @property
    def pid(self) -> int:
        """The process id.

        :raises SandboxError: it does not run.
        """
        if self._process is None:
            raise SandboxError("Roundup does not run: start it with `with`.")
        return self._process.pid

    def __enter__(self) -> RoundupServer:
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                self._start()
            except BaseException as err:
                self._stop()
                # Somebody else may have taken the port between our look and our use.
                if attempt == START_ATTEMPTS or not isinstance(err, SandboxError):
                    raise
            else:
                break
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        err: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._stop()

    def _start(self) -> None:
        self.port = free_port()
        self._home = Path(tempfile.mkdtemp(prefix="roundup-"))
        home = self._home / "tracker"
        home.mkdir()
        _seed(home, self.url)
        identity = _give_away(self._home) if os.geteuid() == 0 else []
        log = self._home / "server.log"
        command = [sys.executable, "-m", "sandbox.trackers.roundup_serve", "-t", "fork"]
        command += ["-n", LOOPBACK, "-p", str(self.port), *identity, f"demo={home}"]
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdout=out, stderr=out, stdin=subprocess.PIPE
            )
        wait_until(lambda: accepts(self.port), "Roundup", process=self._process, log=log)

    def _stop(self) -> None:
        if self._process is not None:
            end_process(self._process)
            if self._process.stdin:
                self._process.stdin.close()
            self._process = None
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    # -- what a person sees and does -------------------------------------------------------------

    def issue_url(self, number: str) -> str:
        """The page of an issue."""
        return f"{self.url}issue{number}"

    def issues(self, keyword: str = "") -> List[SeenIssue]:
        """Issues, oldest first; all, or those with a keyword."""
        query = {
            "@fields": "title,status,assignedto,keyword,messages,superseder",
            "@verbose": "2",
            "@sort": "id",
        }
        rows = self._get("issue", query)["collection"]
        told = self._get("msg", {"@fields": "content", "@verbose": "3"})["collection"]
        texts = {row["id"]: row["content"] for row in told}
        seen = [self._seen(row, texts) for row in rows]
        return [issue for issue in seen if not keyword or keyword in issue.keywords]

    def issue(self, number: str) -> SeenIssue:
        """One issue."""
        return next(issue for issue in self.issues() if issue.id == number)

    def users(self) -> List[str]:
        """The names of all accounts, in no order."""
        return [row["username"] for row in self._get("user", {"@fields": "username"})["collection"]]

    def set(self, number: str, **values: Any) -> None:
        """Change an issue as :data:`HUMAN`: ``status="resolved"``, ``assignedto="committee1"`` and
        so on.
        """
        etag = self._get(f"issue/{number}", {})["@etag"]
        self._send("PATCH", f"issue/{number}", values, {"If-Match": etag})

    def add(self, class_name: str, **values: Any) -> str:
        """Create an item as :data:`HUMAN`; its id."""
        return str(self._send("POST", class_name, values, {})["id"])

    def retire(self, number: str) -> None:
        """Delete an issue, as an administrator does; Roundup keeps it out of all listings."""
        etag = self._get(f"issue/{number}", {})["@etag"]
        self._send("DELETE", f"issue/{number}", {}, {"If-Match": etag})

    def _seen(self, row: Mapping[str, Any], texts: Mapping[str, str]) -> SeenIssue:
        return SeenIssue(
            id=row["id"],
            title=row["title"],
            status=(row["status"] or {}).get("name", ""),
            assignee=(row["assignedto"] or {}).get("username", ""),
            keywords=tuple(one["name"] for one in row["keyword"]),
            messages=tuple(texts[one["id"]] for one in row["messages"]),
            superseders=tuple(one["id"] for one in row["superseder"]),
            url=self.issue_url(row["id"]),
        )

    def _get(self, path: str, query: Mapping[str, str]) -> Dict[str, Any]:
        return self._call("GET", path, params=query)

    def _send(
        self, method: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Dict[str, Any]:
        return self._call(method, path, json=body, headers=headers)

    def _call(self, method: str, path: str, **more: Any) -> Dict[str, Any]:
        origin = self.url[: -len("/demo/")]
        headers = {"X-Requested-With": "rest", "Origin": origin, **more.pop("headers", {})}
        with requests.Session() as session:
            session.trust_env = False
            session.auth = (HUMAN, password_of(HUMAN))
            answer = session.request(
                method, f"{self.url}rest/data/{path}", headers=headers, timeout=30, **more
            )
        answer.raise_for_status()
        data: Dict[str, Any] = answer.json()["data"]
        return data


def password_of(user: str) -> str:
    """A seeded user's password."""
    return f"{user}-password"


def _seed(home: Path, url: str) -> None:
    """Make the tracker in a process of its own; Roundup changes its interpreter's state."""
    users = [
        {
            "username": name,
            "password": password_of(name),
            "address": f"{name}@example.org",
            "realname": name.capitalize(),
            "roles": "Admin" if name == HUMAN else "User",
        }
        for name in (BOT, HUMAN, *COMMITTEE)
    ]
    command = [sys.executable, "-m", "sandbox.trackers.roundup_seed", str(home), url]
    done = subprocess.run(
        command, input=json.dumps(users).encode(), cwd=ROOT, capture_output=True, check=False
    )
    if done.returncode != 0:
        told = done.stderr.decode("utf-8", "replace")[-2000:]
        raise SandboxError(f"Roundup's tracker could not be made (pip install roundup?): {told}")


def _give_away(folder: Path) -> List[str]:
    """The options of a server started by root: to run as ``nobody``, who gets the folder."""
    if not all(open_to_others(Path(place)) for place in (*_IMPORTED, folder.parent)):
        return ["-u", "root", "-g", "0"]
    nobody = pwd.getpwnam("nobody")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    # The server takes a group's name or number.
    return ["-u", "nobody", "-g", str(nobody.pw_gid)]


def open_to_others(path: Path) -> bool:
    """Whether an account that is neither owner nor in the group can read what is in a folder."""
    real = path.resolve()
    is_listed = bool(stat.S_IROTH & real.stat().st_mode)
    return is_listed and all(stat.S_IXOTH & one.stat().st_mode for one in (real, *real.parents))
