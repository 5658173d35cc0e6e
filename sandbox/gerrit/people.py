"""Acting as a named account over Gerrit's REST API, as people, CI and administrators do.

Texts are sent as the caller gives them, however hostile. Endpoints: Gerrit's documentation,
https://gerrit-review.googlesource.com/Documentation/rest-api-changes.html.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, Dict, List, Optional, Sequence
from urllib.parse import quote

import requests

from sandbox.gerrit.push import Remote, Rework, push_again, push_branch, push_commits
from sandbox.ports import SandboxError

ADMIN = "admin"
#: What Gerrit's init gives its administrator in development mode.
ADMIN_PASSWORD = "secret"
_MAGIC = ")]}'"


class RequestRefusedError(SandboxError):
    """Gerrit answered with an error; ``status`` is the HTTP status, ``text`` what it said."""

    def __init__(self, what: str, status: int, text: str) -> None:
        super().__init__(f"{what} was answered {status}: {text}")
        self.status = status
        self.text = text


def password_of(username: str) -> str:
    """The password of an account of the standard site."""
    return f"{username}-password"


class Person:
    """One account of one server.

    Every method raises :class:`RequestRefusedError` when Gerrit answers with an error. Changes are
    named by their number. Answers are Gerrit's own JSON.
    """

    def __init__(self, url: str, username: str, password: Optional[str] = None) -> None:
        self.username = username
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._password = password or password_of(username)
        self._session.auth = (username, self._password)

    def call(self, method: str, path: str, body: Optional[object] = None) -> Any:
        """One authenticated REST call.

        :param path: below ``/a``, percent-encoded.
        :param body: sent as JSON; None sends no body.
        """
        data = None if body is None else json.dumps(body).encode()
        return self._send(method, path, data, "application/json")

    def _send(self, method: str, path: str, data: Optional[bytes], content_type: str) -> Any:
        headers = {"Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = content_type
        answer = self._session.request(
            method, f"{self._url}/a{path}", data=data, headers=headers, timeout=60
        )
        text = answer.content.decode("utf-8")
        if not answer.ok:
            what = f"{method} {path} by {self.username}"
            raise RequestRefusedError(what, answer.status_code, text.strip())
        return json.loads(text.replace(_MAGIC, "", 1)) if text.startswith(_MAGIC) else None

    # The life of a change

    def create_change(
        self,
        project: str,
        subject: str,
        branch: str = "master",
        *,
        topic: Optional[str] = None,
        hashtags: Sequence[str] = (),
        wip: bool = False,
        private: bool = False,
    ) -> int:
        """Upload a new change that adds one file of its own; answers its number."""
        wanted: Dict[str, object] = {
            "project": project,
            "branch": branch,
            "subject": subject,
            "work_in_progress": wip,
            "is_private": private,
            "patch": {"patch": _patch()},
        }
        if topic is not None:
            wanted["topic"] = topic
        number = int(self.call("POST", "/changes/", wanted)["_number"])
        if hashtags:
            self.set_hashtags(number, add=hashtags)
        return number

    def push_change(
        self, project: str, subject: str, branch: str = "master", options: str = "", file: str = ""
    ) -> int:
        """Upload a new change with git; answers its number.

        :param options: Gerrit's push options, such as ``hashtag=one,wip``.
        :param file: the file that it writes; default: a new one.
        """
        (number,) = self.push_chain(project, [subject], branch, options, file)
        return number

    def push_chain(
        self,
        project: str,
        subjects: Sequence[str],
        branch: str = "master",
        options: str = "",
        file: str = "",
    ) -> List[int]:
        """Upload changes that build on each other, in one push; answers their numbers in order."""
        change_ids = push_commits(
            self._remote(project),
            _target(branch, options),
            subjects=subjects,
            base=f"refs/heads/{branch}",
            file=file,
        )
        changes = (self.call("GET", f"/changes/{change_id}") for change_id in change_ids)
        return [int(change["_number"]) for change in changes]

    def push_again(
        self, number: int, rework: Rework = Rework.CODE, options: str = "", file: str = ""
    ) -> None:
        """Upload a new patch set with git.

        :param file: the file that ``Rework.CODE`` writes; default: a new one.
        """
        change = self.call("GET", f"/changes/{number}?o=CURRENT_REVISION")
        patch_set = change["revisions"][change["current_revision"]]["ref"]
        branch = change["branch"]
        push_again(
            self._remote(change["project"]),
            _target(branch, options),
            patch_set=patch_set,
            rework=rework,
            base=f"refs/heads/{branch}",
            file=file,
        )

    def push_branch(self, project: str, branch: str = "master", *, file: str) -> None:
        """Add a commit that writes a file to a branch, without review; administrators may."""
        push_branch(self._remote(project), f"refs/heads/{branch}", file)

    def _remote(self, project: str) -> Remote:
        return Remote(f"{self._url}/a/{quote(project)}", self.username, self._password)

    def push_patch_set(self, number: int) -> None:
        """Upload a new patch set with other content ("Uploaded patch set N.")."""
        self.call("POST", f"/changes/{number}/patch:apply", {"patch": {"patch": _patch()}})

    def publish_edit(self, number: int) -> None:
        """Make a new patch set in the web editor ("Published edit on patch set N.")."""
        path = f"/changes/{number}/edit/edited-{uuid.uuid4().hex}.txt"
        self._send("PUT", path, b"edited\n", "text/plain")
        self.call("POST", f"/changes/{number}/edit:publish", {})

    def edit_message(self, number: int, subject: str) -> None:
        """Change only the commit message's subject ("Commit message was updated.")."""
        change_id = self.detail(number)["change_id"]
        message = f"{subject}\n\nChange-Id: {change_id}\n"
        self.call("PUT", f"/changes/{number}/message", {"message": message})

    def rebase(self, number: int) -> None:
        """Rebase onto the branch's tip; refused (409) when it is up to date, see `move_branch`."""
        self.call("POST", f"/changes/{number}/rebase", {})

    def create_branch(self, project: str, branch: str) -> None:
        """Make a branch from master's tip; administrators may."""
        path = f"/projects/{quote(project, safe='')}/branches/{quote(branch, safe='')}"
        self.call("PUT", path, {"revision": "refs/heads/master"})

    def move_branch(self, project: str, branch: str = "master") -> int:
        """Merge a change of one's own, so that others can be rebased; answers its number."""
        number = self.create_change(project, "Move the branch", branch)
        self.review(number, labels={"Code-Review": 2})
        self.submit(number)
        return number

    def review(
        self,
        number: int,
        message: str = "",
        labels: Optional[Dict[str, int]] = None,
        revision: str = "current",
        **extra: object,
    ) -> Any:
        """Post a message, votes, or anything else of Gerrit's ReviewInput given as ``extra``."""
        wanted: Dict[str, object] = dict(extra)
        if message:
            wanted["message"] = message
        if labels:
            wanted["labels"] = labels
        return self.call("POST", f"/changes/{number}/revisions/{revision}/review", wanted)

    def comment(self, number: int, message: str, unresolved: bool = True) -> Any:
        """Post one comment on the patch set as a whole; its text is not in the change message."""
        comment = {"message": message, "unresolved": unresolved}
        return self.review(number, comments={"/PATCHSET_LEVEL": [comment]})

    def ready(self, number: int, message: Optional[str] = None) -> None:
        """Mark as ready for review."""
        self._move(number, "ready", message)

    def wip(self, number: int, message: Optional[str] = None) -> None:
        """Mark as work in progress."""
        self._move(number, "wip", message)

    def abandon(self, number: int, message: Optional[str] = None) -> None:
        """Abandon."""
        self._move(number, "abandon", message)

    def restore(self, number: int, message: Optional[str] = None) -> None:
        """Restore an abandoned change."""
        self._move(number, "restore", message)

    def submit(self, number: int) -> None:
        """Merge; refused (409) unless it is approved."""
        self._move(number, "submit")

    def _move(self, number: int, step: str, message: Optional[str] = None) -> None:
        body = {} if message is None else {"message": message}
        self.call("POST", f"/changes/{number}/{step}", body)

    def set_topic(self, number: int, topic: str) -> None:
        """Set the topic; the empty text takes it off."""
        self.call("PUT", f"/changes/{number}/topic", {"topic": topic})

    def set_hashtags(
        self, number: int, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> List[str]:
        """Add and remove hashtags; answers those that the change has then."""
        wanted = {"add": list(add), "remove": list(remove)}
        return list(self.call("POST", f"/changes/{number}/hashtags", wanted))

    def set_private(self, number: int, private: bool = True) -> None:
        """Hide the change from all but its owner, its reviewers and who may see private changes."""
        self.call("POST" if private else "DELETE", f"/changes/{number}/private")

    def add_reviewer(self, number: int, account: str, state: str = "REVIEWER") -> None:
        """Add an account, or all of a group, as ``REVIEWER`` or ``CC``."""
        wanted = {"reviewer": account, "state": state}
        self.call("POST", f"/changes/{number}/reviewers", wanted)

    def delete_vote(self, number: int, account: str, label: str) -> None:
        """Take somebody's vote away."""
        path = f"/changes/{number}/reviewers/{quote(account)}/votes/{quote(label)}"
        self.call("DELETE", path)

    # Reading

    def messages(self, number: int) -> List[Dict[str, Any]]:
        """The change's messages, oldest first."""
        return list(self.call("GET", f"/changes/{number}/messages"))

    def detail(self, number: int) -> Dict[str, Any]:
        """The change with its labels, messages and accounts."""
        return dict(self.call("GET", f"/changes/{number}/detail"))


def _target(branch: str, options: str) -> str:
    return f"refs/for/{branch}%{options}" if options else f"refs/for/{branch}"


def _patch() -> str:
    """A patch that adds one file of a new name, so that two never conflict."""
    name = f"work-{uuid.uuid4().hex}.txt"
    return (
        f"diff --git a/{name} b/{name}\nnew file mode 100644\n--- /dev/null\n+++ b/{name}\n"
        "@@ -0,0 +1,2 @@\n+first line\n+second line\n"
    )
