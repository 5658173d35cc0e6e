"""A change out of a file, in place of Gerrit: for a look at it without any server."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Union

from reviewloop.cli.histories import read_changes
from reviewloop.core.change import Account, Change
from reviewloop.core.worktime import EARLIEST
from reviewloop.errors import ConfigError, ProtocolError
from reviewloop.escalation.accounts import member_name
from reviewloop.gerrit import parse
from reviewloop.gerrit.queries import Option
from reviewloop.preview.offline import Offline, own_account
from reviewloop.preview.recorded import people
from reviewloop.settings.load import Settings


class OneFile(Offline):
    """What a client answers, from the changes in a file.

    :param at: when it is; None for when something last happened to the change asked for.
    :raises ConfigError: the file cannot be read.
    """

    def __init__(self, path: Path, settings: Settings, at: Optional[datetime]) -> None:
        self.path = path
        self._changes: Dict[int, Change] = {}
        for raw in read_changes(path):
            try:
                change = parse.change(raw)
            except ProtocolError:
                continue  # another change than the one asked for may well make no sense
            self._changes[change.number] = change
        super().__init__()
        self.learn(people(list(self._changes.values())))
        self.expect(member_name(one) for one in settings.roster.members)
        self._username = settings.gerrit.username
        self._at = at

    @property
    def changes_read(self) -> List[Change]:
        """Every change of the file."""
        return list(self._changes.values())

    def change(
        self,
        ident: Union[Change, str, int],
        options: Iterable[Option] = (),  # noqa: ARG002
    ) -> Change:
        """One change. :raises ConfigError: the file does not hold it, or ``at`` is too early."""
        number = int(str(ident).rpartition("~")[2])
        found = self._changes.get(number)
        if found is None:
            raise ConfigError(
                f"--changes {self.path} holds no change {number} that can be read.",
                "Ask Gerrit for it with o=MESSAGES, o=DETAILED_ACCOUNTS and o=LABELS.",
            )
        last = max([found.updated, *(one.date for one in found.messages)])
        if self._at is None:
            self._at = last
        if self._at < last:
            raise ConfigError(
                f"--at is before {last:%Y-%m-%dT%H:%M:%SZ}, when something last happened to change"
                f" {number}: how it stood then cannot be told from what came of it.",
                "Pass that instant or a later one.",
            )
        return found

    def now(self) -> datetime:
        """When it is; before a change was asked for, long ago."""
        return self._at or EARLIEST

    def whoami(self) -> Account:
        """The pack's account."""
        return own_account(self._username, self.named(self._username))
