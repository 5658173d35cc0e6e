"""A fake of StackStorm's API as far as a check-up reads it: rules, the sensor, the configuration,
keys, executions, services. Written from ``st2api/controllers/v1``, not recorded.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Dict, List, Optional, Tuple

from fake_http import FakeServer, Handler, Reply, Sent
from reviewloop.core.timestamps import iso

TOKEN = "0b1946f9a2c54f5b"
URL = "https://st2.example.org/api"


def rule(
    name: str,
    trigger: str,
    action: str,
    parameters: Optional[Dict[str, Any]] = None,
    **more: Any,
) -> Dict[str, Any]:
    """A rule as the API lists it."""
    pack, _, short = name.partition(".")
    return {
        "ref": name,
        "pack": pack,
        "name": short,
        "enabled": True,
        "trigger": {"type": trigger, "ref": trigger, "parameters": {}},
        "criteria": {},
        "action": {"ref": action, "parameters": parameters or {}},
        **more,
    }


def on_milestones(*milestones: str) -> Dict[str, Any]:
    """Criteria on some milestones."""
    return {"trigger.milestone": {"type": "inside", "pattern": list(milestones)}}


class FakeCheckedSt2(FakeServer):
    """A StackStorm on which the pack is set up well."""

    host = "https://st2.example.org"

    def __init__(self) -> None:
        super().__init__()
        self.rules: List[Dict[str, Any]] = [
            rule(
                "gerrit.escalate_to_committee",
                "gerrit.change_waiting",
                "gerrit.escalate",
                criteria=on_milestones("2d", "5d", "10d"),
            ),
            rule(
                "gerrit.escalate_overdue",
                "gerrit.change_overdue",
                "gerrit.escalate",
                criteria=on_milestones("2d", "5d", "10d"),
            ),
            rule("ops.trouble", "gerrit.poll_trouble", "gerrit.get_change"),
            rule("core.other", "core.st2.webhook", "core.local"),
        ]
        self.actions: Dict[str, bool] = {
            "gerrit.escalate": True,
            "gerrit.get_change": True,
            "gerrit.post_review": True,
            "chatops.post_message": True,
        }
        self.sensor: Optional[bool] = True
        self.config: Optional[Dict[str, Any]] = {
            "url": "https://gerrit.example.org",
            "password": "{{ st2kv.system.gerrit_password }}",
        }
        self.keys: Dict[str, bool] = {"gerrit_password": True}
        self.executions: List[Tuple[str, str, datetime]] = []
        self.services: Any = {"groups": ["actionrunner", "workflow_engine"]}
        self.forbidden: Tuple[str, ...] = ()

    def ran(self, action: str, status: str, began: datetime) -> None:
        """An execution."""
        self.executions.append((action, status, began))

    def routes(self) -> List[Tuple[str, str, Handler]]:
        """What a check-up reads."""
        at = "/api/v1"
        return [
            ("GET", f"{at}/rules", self._rules),
            ("GET", f"{at}/actions/([^/]+)", self._action),
            ("GET", f"{at}/sensortypes/gerrit.GerritChangesSensor", self._sensor),
            ("GET", f"{at}/configs/gerrit", self._config),
            ("GET", f"{at}/keys/([^/]+)", self._key),
            ("GET", f"{at}/executions", self._executions),
            ("GET", f"{at}/service_registry/groups", self._services),
        ]

    def answer(self, sent: Sent) -> Reply:
        """Nothing without a token."""
        if sent.headers.get("X-Auth-Token") != TOKEN:
            return Reply(401, {"faultstring": "Unauthorized"})
        if any(part in sent.path for part in self.forbidden):
            return Reply(403, {"faultstring": 'User "stanley" doesn\'t have permission'})
        return super().answer(sent)

    def _rules(self, sent: Sent) -> Reply:
        limit, offset = int(sent.query["limit"]), int(sent.query["offset"])
        return Reply(200, self.rules[offset:][:limit])

    def _action(self, _sent: Sent, ref: str) -> Reply:
        if ref not in self.actions:
            return Reply(404, {"faultstring": f"{ref} not found"})
        return Reply(200, {"ref": ref, "enabled": self.actions[ref]})

    def _sensor(self, _sent: Sent) -> Reply:
        if self.sensor is None:
            return Reply(404, {"faultstring": "not found"})
        return Reply(200, {"ref": "gerrit.GerritChangesSensor", "enabled": self.sensor})

    def _config(self, _sent: Sent) -> Reply:
        if self.config is None:
            return Reply(404, {"faultstring": "not found"})
        return Reply(200, {"pack": "gerrit", "values": self.config})

    def _key(self, sent: Sent, name: str) -> Reply:
        assert sent.query == {"scope": "system"}
        if name not in self.keys:
            return Reply(404, {"faultstring": "KeyValuePair not found"})
        is_encrypted = self.keys[name]
        told = {"name": name, "value": "4711", "secret": is_encrypted, "encrypted": is_encrypted}
        return Reply(200, told)

    def _executions(self, sent: Sent) -> Reply:
        query = sent.query
        earliest, latest = query["timestamp_gt"], query["timestamp_lt"]
        rows = [
            {
                "id": f"6b057f0385e10eaca{n:07x}",
                "action": {"ref": action},
                "status": status,
                "start_timestamp": iso(began),
            }
            for n, (action, status, began) in enumerate(self.executions)
            if status == query["status"] and earliest <= iso(began) < latest
        ]
        return Reply(200, rows[: int(query["limit"])])

    def _services(self, _sent: Sent) -> Reply:
        if self.services is None:
            return Reply(403, {"faultstring": "not an administrator"})
        return Reply(200, self.services)


def long_ago(now: datetime, **delta: float) -> datetime:
    """So long before."""
    return now - timedelta(**delta)
