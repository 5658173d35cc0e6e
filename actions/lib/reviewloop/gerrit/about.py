"""What a server says of itself and of the account that asks: plugins, tokens, ranges of votes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, Iterable, Mapping, Optional, Set, Tuple

from reviewloop.core.worktime import LATEST
from reviewloop.gerrit.fields import Raw, mapping, text, timestamp, typed
from reviewloop.gerrit.queries import Version

WITH_TOKENS = Version(3, 13)
"""From here on Gerrit has tokens with an end in place of one password."""

Token = Tuple[str, Optional[datetime]]
"""The name of an authentication token, and when it ends; None for never."""


def ui_plugins(data: Any) -> Tuple[str, ...]:
    """The plugins of which a server serves a part of its pages, by the paths in ``ServerInfo``
    (https://gerrit-review.googlesource.com/Documentation/rest-api-config.html#plugin-config-info).
    """
    plugin = mapping(mapping(data, "server info").get("plugin") or {}, "server info")
    paths = typed(plugin.get("js_resource_paths") or [], list, "js_resource_paths", "server info")
    names = (text(path, "server info").split("/") for path in paths)
    return tuple(sorted({parts[1] for parts in names if parts[0] == "plugins" and parts[1:]}))


def tokens(data: Any) -> Tuple[Token, ...]:
    """The account's authentication tokens, as Gerrit lists them from 3.13 on: ``AuthTokenInfo``, of
    which ``expiration`` is a timestamp like any other, and is missing where a token has no end
    (``restapi/account/GetTokens.java``). One that has ended may be listed still.
    """
    rows = typed(data, list, "the answer", "tokens")
    return tuple(_token(mapping(row, "a token")) for row in rows)


def _token(row: Raw) -> Token:
    ends = row.get("expiration")
    return str(row.get("id") or "?"), None if ends is None else _end(text(ends, "a token"))


def _end(told: str) -> Optional[datetime]:
    """When a token ends; None where nobody will see it: any lifetime can be given."""
    year = told.partition("-")[0]
    if year.isdigit() and int(year) >= LATEST.year:
        return None
    return timestamp(told, "a token, `expiration`")


def votes_allowed(changes: Iterable[Mapping[str, Any]]) -> Dict[str, Set[int]]:
    """What the asking account may vote on some open changes, by label, as Gerrit worked it out
    (``permitted_labels`` of a row with DETAILED_LABELS; missing for who may not vote at all).
    """
    found: Dict[str, Set[int]] = {}
    for raw in changes:
        told = raw.get("permitted_labels")
        for label, values in told.items() if isinstance(told, dict) else ():
            given = values if isinstance(values, list) else []
            numbers = {int(one) for one in given if str(one).strip().lstrip("+-").isdigit()}
            found.setdefault(str(label), set()).update(numbers)
    return found
