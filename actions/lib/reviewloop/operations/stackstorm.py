"""StackStorm's API, read only: what a check-up looks at there.

Paths and fields as in ``st2api/controllers/v1`` of StackStorm 3.8 to 3.10. StackStorm gives every
action and sensor the API's address and a token (``st2common/constants/action.py``); outside, the
variables of its own client name them (``ST2_API_URL``, ``ST2_AUTH_TOKEN``, ``ST2_API_KEY``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from reviewloop.core.timestamps import iso
from reviewloop.errors import AuthError, ConfigError, RefusedError
from reviewloop.http import codes
from reviewloop.http.transport import Transport
from reviewloop.trackers import parse
from reviewloop.trackers.http import Http
from reviewloop.trackers.settings import checked_url

PACK = "gerrit"
SENSOR = "gerrit.GerritChangesSensor"
PAGE = 100
# So many pages of rules are read.
_PAGES = 10

Row = Dict[str, Any]

_KEY = re.compile(r"st2kv\.system\.(\w+)")


@dataclass(frozen=True)
class Place:
    """Where the API is and what opens it: address with version, and headers."""

    url: str
    headers: Tuple[Tuple[str, str], ...] = ()

    @classmethod
    def around(cls, environ: Mapping[str, str]) -> Optional[Place]:
        """The place that the environment names; None where it names none."""
        if environ.get("ST2_ACTION_API_URL"):
            token = environ.get("ST2_ACTION_AUTH_TOKEN", "")
            return cls(environ["ST2_ACTION_API_URL"], _token(token))
        url = environ.get("ST2_API_URL", "").rstrip("/")
        if not url:
            return None
        versioned = url if re.search(r"/v\d+$", url) else f"{url}/v1"
        key = environ.get("ST2_API_KEY", "")
        opening = (("St2-Api-Key", key),) if key else _token(environ.get("ST2_AUTH_TOKEN", ""))
        return cls(versioned, opening)


def _token(token: str) -> Tuple[Tuple[str, str], ...]:
    return (("X-Auth-Token", token),) if token else ()


@dataclass(frozen=True)
class Key:
    """A value of the datastore, without the value."""

    name: str
    is_encrypted: bool


class StackStorm:
    """One StackStorm. Every call raises what ``trackers.http.Http`` does; a credential that is not
    accepted is an AuthError.

    :param transport: in place of the network.
    :raises ConfigError: the address cannot be used.
    """

    def __init__(self, place: Place, transport: Optional[Transport] = None) -> None:
        self._http = Http(checked_url(place.url), dict(place.headers), transport=transport)

    def rules(self) -> List[Row]:
        """The rules on this pack's triggers, of every pack."""
        found = []
        for page in range(_PAGES):
            rows = self._rows("/rules", {"limit": PAGE, "offset": page * PAGE})
            found += [row for row in rows if trigger_of(row).startswith(f"{PACK}.")]
            if len(rows) < PAGE:
                break
        return found

    def action(self, ref: str) -> Optional[Row]:
        """An action's metadata; None where there is none."""
        return self._one(f"/actions/{ref}")

    def sensor(self) -> Optional[Row]:
        """Our sensor, as it is registered."""
        return self._one(f"/sensortypes/{SENSOR}")

    def config(self) -> Optional[Row]:
        """The pack's configuration as it was registered, unrendered; a secret may be masked."""
        found = self._one(f"/configs/{PACK}", {"show_secrets": "true"})
        values = None if found is None else found.get("values")
        return values if isinstance(values, dict) else None

    def key(self, name: str) -> Optional[Key]:
        """A key of the system's scope; None where there is none."""
        row = self._one(f"/keys/{name}", {"scope": "system"})
        return None if row is None else Key(name, bool(row.get("encrypted") or row.get("secret")))

    def executions(self, status: str, after: datetime, before: datetime) -> List[Row]:
        """Our executions of a status that began between two instants; the first page."""
        query = {
            "status": status,
            "timestamp_gt": iso(after),
            "timestamp_lt": iso(before),
            "include_attributes": "action.ref,status,start_timestamp",
            "limit": PAGE,
        }
        rows = self._rows("/executions", query)
        return [row for row in rows if action_of(row).startswith(f"{PACK}.")]

    def services(self) -> Optional[Tuple[str, ...]]:
        """The services in the coordination backend; None where it does not say."""
        try:
            data = self._http.read("/service_registry/groups").data
        except RefusedError:
            return None
        names = data.get("groups") if isinstance(data, dict) else None
        return tuple(sorted(map(str, names))) if isinstance(names, list) else None

    def _one(self, path: str, query: Optional[Mapping[str, Any]] = None) -> Optional[Row]:
        try:
            return parse.mapping(self._read(path, query), "StackStorm's answer")
        except RefusedError as err:
            if err.status != codes.NOT_FOUND:
                raise
            return None

    def _rows(self, path: str, query: Mapping[str, Any]) -> List[Row]:
        rows = parse.sequence(self._read(path, query), "StackStorm's answer")
        return [parse.mapping(row, "a row of StackStorm's") for row in rows]

    def _read(self, path: str, query: Optional[Mapping[str, Any]] = None) -> Any:
        try:
            return self._http.read(path, query).data
        except AuthError as err:
            raise AuthError(
                "StackStorm's API does not accept our token.",
                "Renew it: export ST2_AUTH_TOKEN=$(st2 auth USER -p PASSWORD -t)",
            ) from err
        except ConfigError as err:
            raise ConfigError(
                "StackStorm's API cannot be reached by its address.",
                "Correct ST2_API_URL, or api_url in the section auth of st2.conf.",
            ) from err


def trigger_of(rule: Row) -> str:
    """The reference of a rule's trigger, however the API shows it."""
    trigger = rule.get("trigger")
    if not isinstance(trigger, dict):
        return ""
    return str(trigger.get("type") or trigger.get("ref") or "")


def action_of(row: Row) -> str:
    """The reference of the action of a rule or an execution."""
    action = row.get("action")
    return str(action.get("ref") or "") if isinstance(action, dict) else ""


def keys_named(value: Any, path: str = "") -> Iterator[Tuple[str, str]]:
    """The datastore keys that a configuration names, each with the setting that does."""
    if isinstance(value, str):
        yield from ((path, name) for name in _KEY.findall(value))
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from keys_named(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from keys_named(inner, f"{path}[{place}]")
