"""A client that sends nothing: what the histories do not hold, the source is asked once."""

from __future__ import annotations

from typing import Tuple, Union

from reviewloop.core.change import Account, Change, Message
from reviewloop.core.keys import change_ident
from reviewloop.errors import InternalError
from reviewloop.gerrit.client import Client
from reviewloop.gerrit.queries import Version
from reviewloop.gerrit.reads import Ident
from reviewloop.http.messages import Request, Response
from reviewloop.http.transport import Transport
from reviewloop.preview.recorded import Recorded
from reviewloop.settings.load import Settings

#: The server that is imitated: what the pack asks is what a current one answers.
VERSION = Version(3, 10)
_LIMIT = 500


class _NoTransport(Transport):
    def send(self, request: Request) -> Response:
        raise InternalError(f"A preview asked Gerrit for {request}.")


class Unplugged(Client):
    """The people of a server, and what it is; changes are a subclass' matter. Whatever else is
    asked for is a defect.
    """

    def __init__(self, settings: Settings, recorded: Recorded) -> None:
        gerrit = settings.gerrit
        super().__init__(gerrit.url, gerrit.username, transport=_NoTransport())
        self._settings = settings
        self._recorded = recorded
        self._me = recorded.own

    def version(self) -> Version:
        """A current server's."""
        return VERSION

    def query_limit(self) -> int:
        """As of most accounts."""
        return _LIMIT

    def whoami(self) -> Account:
        """The pack's account."""
        return self._me

    def account(self, ident: Union[str, int]) -> Account:
        """As the source answers."""
        if ident == self._me.id:
            return self._me
        found: Account = self._recorded.ask("account", ident)
        return found

    def emails(self, account_id: int) -> Tuple[str, ...]:
        """As the source answers."""
        found: Tuple[str, ...] = self._recorded.ask("emails", account_id)
        return found

    def find_accounts(self, query: str, most: int = 10) -> Tuple[Account, ...]:
        """As the source answers."""
        found: Tuple[Account, ...] = self._recorded.ask("find_accounts", query, most)
        return found

    def group_members(self, group: str) -> Tuple[Account, ...]:
        """As the source answers."""
        found: Tuple[Account, ...] = self._recorded.ask("group_members", group)
        return found

    def commit_message(self, change: Change) -> str:
        """As the source answers."""
        found: str = self._recorded.ask(
            "commit_message", change_ident(change.number, change.project), about_whom=change
        )
        return found

    def messages(self, ident: Ident) -> Tuple[Message, ...]:
        """The messages of a change as it is now."""
        return self.change(ident).messages

    def hashtags(self, ident: Ident) -> Tuple[str, ...]:
        """Those of a change as it is now."""
        return self.change(ident).hashtags
