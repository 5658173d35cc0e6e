"""What the fake server says of itself, of the account that asks, and of who may do what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Dict, List, Set, Union

from reviewloop.http.messages import Request
from sandbox.gerrit.fake_query import RefusalError
from sandbox.gerrit.fake_world import FakeChange, Json, stamp


class About:
    """The server's settings, and the rights of the asking account, ``me``.

    :ivar tokens: the account's tokens by name, with their ends, as times or as they are written;
        for servers from 3.13 on.
    :ivar plugins: those that show something on the server's pages.
    :ivar blind: accounts that may not read any project.
    :ivar index_behind: how far the index is behind, per change.
    """

    me: int
    version: str

    def __init__(self) -> None:
        self.query_limit = 500
        self.administers = False
        # Whether it may see who may do what.
        self.views_access = True
        self.may_edit_hashtags = True
        self.may_vote: Dict[str, List[int]] = {"Code-Review": [-1, 0, 1]}
        self.tokens: Dict[str, Union[datetime, str, None]] = {}
        self.plugins: List[str] = []
        self.blind: Set[int] = set()
        self.index_behind: Dict[int, timedelta] = {}

    def _get_capabilities(self, request: Request) -> Json:
        wanted = [value for key, value in request.params if key == "q"]
        found: Json = {"queryLimit": {"min": 0, "max": self.query_limit}}
        if self.administers:
            found["administrateServer"] = True
        return {key: value for key, value in found.items() if not wanted or key in wanted}

    def _check_access(self, request: Request, _project: str) -> Json:
        if not self.views_access:
            raise RefusalError(403, "view access not permitted")
        params = dict(request.params)
        who, permission = int(params["account"]), params["perm"]
        refused = who in self.blind or (permission == "editHashtags" and not self.may_edit_hashtags)
        return {"status": 403 if refused else 200}

    def _get_info(self, _request: Request) -> Json:
        paths = [f"plugins/{name}/static/{name}.js" for name in self.plugins]
        return {"plugin": {"js_resource_paths": paths}, "gerrit": {"all_users": "All-Users"}}

    def _get_tokens(self, _request: Request) -> List[Json]:
        if tuple(map(int, self.version.split(".")[:2])) < (3, 13):
            raise RefusalError(404, "Not Found")
        return [
            {"id": name, **({} if ends is None else {"expiration": _stamped(ends)})}
            for name, ends in self.tokens.items()
        ]

    def _row_as_indexed(self, change: FakeChange, row: Json, options: List[str]) -> Json:
        """A row of a search: as the index has it, with the votes that the account may cast."""
        behind = self.index_behind.get(change.number)
        told: Dict[str, Any] = {} if behind is None else {"updated": stamp(change.updated - behind)}
        if "DETAILED_LABELS" in options and change.status == "NEW":
            votes = {label: [f"{one:+d}" for one in ones] for label, ones in self.may_vote.items()}
            told["permitted_labels"] = votes
        return {**row, **told}


def _stamped(ends: Union[datetime, str]) -> str:
    """An end as Gerrit writes it; a text is one already."""
    return ends if isinstance(ends, str) else stamp(ends)
