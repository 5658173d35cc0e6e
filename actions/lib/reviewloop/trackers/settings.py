"""The section ``tracker`` as values, and how a kind of tracker declares what it needs there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Optional, Pattern, Tuple, Union
from urllib.parse import urlsplit

from reviewloop.errors import ConfigError

WONT_FIX = ("not_planned", "wontfix", "won't fix", "won't do", "rejected")
"""How trackers call a ticket that its people do not want; the default of ``tracker.wont_fix``."""


@dataclass(frozen=True)
class Form:
    """How a setting must look: a pattern over the whole text, and the same in words."""

    pattern: Pattern[str]
    shape: str


@dataclass(frozen=True)
class Option:
    """A setting that one kind of tracker has under ``tracker.options``.

    :param about: what it is, as a sentence for the documentation.
    :param example: a value, for the remedy where it is missing or wrong.
    :param default: what holds where it is left out; empty for none.
    """

    about: str
    example: str
    default: str = ""
    required: bool = False
    form: Optional[Form] = None


@dataclass(frozen=True)
class TrackerSettings:
    """Where the tickets go; ``token`` never appears in a representation of this value.

    :param kind: a name known to :mod:`reviewloop.trackers.factory`, or ``none``.
    :param options: what only this kind has, by the names of ``Tracker.options``.
    :param actions: which StackStorm actions do what, for the kind ``action`` alone.
    :param reopen_days: a closed ticket is reopened if closed no longer ago than this.
    :param wont_fix: resolutions and labels, any case, that mean "leave us alone".
    :param existing: patterns over a commit message whose group is a ticket's id.
    :param url: the tracker's address as people open it, or its API's.
    :param project: the project inside it, in the tracker's own form (GitHub: ``owner/repo``).
    :param token: the secret; for Roundup ``user:password``.
    :param username: our account, where the tracker cannot tell it.
    :param verify: False switches the check of TLS certificates off.
    :param ca_bundle: path of a file with the certificates to trust.
    """

    kind: str
    url: str = ""
    project: str = ""
    token: str = field(default="", repr=False)
    username: str = ""
    verify: bool = True
    ca_bundle: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, object] = field(default_factory=dict)
    reopen_days: int = 30
    wont_fix: Tuple[str, ...] = WONT_FIX
    existing: Tuple[Pattern[str], ...] = ()

    def option(self, name: str, options: Mapping[str, Option]) -> str:
        """An option's value, else its default."""
        return self.options.get(name) or options[name].default

    @property
    def tls(self) -> Union[bool, str]:
        """The ``verify`` argument of requests: a path, or whether to check at all."""
        return (self.ca_bundle or True) if self.verify else False


def checked_url(url: str) -> str:
    """A tracker's address without its trailing slash.

    :raises ConfigError: it is no http(s) address, or holds a user name or password.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            "tracker.url is not an http or https address.",
            "Write it as https://host/path.",
        )
    if "@" in parts.netloc:
        raise ConfigError(
            f"tracker.url for {parts.hostname} holds a user name or password.",
            "Move it to tracker.token, which is a secret.",
        )
    if parts.query or parts.fragment:
        raise ConfigError(
            f"tracker.url for {parts.hostname} holds a query or fragment.",
            "Write only https://host/path.",
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
