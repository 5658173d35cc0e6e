"""A change as people name it: by its number, or by the address under which they see it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional
from urllib.parse import unquote, urlsplit

from reviewloop.errors import ConfigError
from reviewloop.gerrit.protocol import change_id

# With its project, as Gerrit links to it since 2.15; by its number alone; and behind a `#`, as
# before. What follows the number is a patch set or a file.
_FORMS = tuple(
    re.compile(form)
    for form in (
        r"(?P<base>.*?)/c/(?P<project>.+?)/\+/(?P<number>[0-9]{1,10})(?:/.*)?",
        r"(?P<base>.*?)/(?:#/)?c/(?P<number>[0-9]{1,10})(?:/.*)?",
        r"(?P<base>.*?)/(?:#/)?(?:q/)?(?P<number>[0-9]{1,10})/?",
    )
)
_HINT = "Write its number, as 4242, or https://review.example.org/c/tools/build/+/4242."


@dataclass(frozen=True)
class Place:
    """Where a change is: ``server`` is the address of its Gerrit, "" where only a number is told;
    ``project`` is "" where it is not told.
    """

    number: int
    server: str = ""
    project: str = ""

    @property
    def ident(self) -> str:
        """What Gerrit knows the change by."""
        return change_id(self.number, self.project)


def place_of(text: str) -> Place:
    """Read a number or an address. :raises ConfigError: it is neither."""
    if re.fullmatch(r"[0-9]{1,10}", text):
        return Place(int(text))
    parts = urlsplit(text)
    found = _found(parts.path + (f"#{parts.fragment}" if parts.fragment else ""))
    if parts.scheme not in ("http", "https") or not parts.netloc or found is None:
        raise ConfigError(f"{text[:200]!r} names no change.", _HINT)
    if "@" in parts.netloc:
        raise ConfigError(f"The address of change {found.number} holds a user name.", _HINT)
    server = f"{parts.scheme}://{parts.netloc}{found.server}"
    return Place(found.number, server, found.project)


def _found(path: str) -> Optional[Place]:
    for form in _FORMS:
        match = form.fullmatch(path)
        if match is not None:
            named = match.groupdict()
            project = unquote(named.get("project") or "")
            return Place(int(named["number"]), named["base"].rstrip("/"), project)
    return None


def check_server(place: Place, url: str) -> None:
    """:raises ConfigError: the address is of another Gerrit than the configured one."""
    if place.server and urlsplit(place.server).netloc != urlsplit(url).netloc:
        raise ConfigError(
            f"Change {place.number} is on {place.server}, and {url} is to be read.",
            "Pass the configuration or the --url of its own server.",
        )
