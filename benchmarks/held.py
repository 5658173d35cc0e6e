"""The pack's sensor in a process that holds nothing else, and what the process weighs.

    PYTHONPATH=actions/lib:sensors:. python -m benchmarks.held CONFIG POLLS NOW

CONFIG is the pack's configuration as JSON, NOW the server's time. What StackStorm gives a sensor is
the least that will do: nothing of the tests' tools is imported. `benchmarks.memory` starts it, and
reads what it prints (JSON, megabytes): of the interpreter, with the pack's modules, at the end, at
most, and what is left when free room was given back.
"""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any, Dict, List, Optional, Sequence

from benchmarks.holding import memory, most_memory, used_memory


@dataclass(frozen=True)
class Value:
    """A value of the datastore, as far as the pack looks at it."""

    name: str
    value: str


class Service:
    """StackStorm's ``sensor_service``: a datastore in memory; triggers go nowhere."""

    def __init__(self) -> None:
        self._values: Dict[str, Value] = {}

    def get_logger(self, name: str) -> logging.Logger:
        """A logger that only tells of trouble."""
        return logging.getLogger(name)

    def list_values(self, prefix: str, limit: int, offset: int, **_: Any) -> Sequence[Value]:
        """One page."""
        found = [self._values[name] for name in sorted(self._values) if name.startswith(prefix)]
        return found[offset : offset + limit]

    def get_value(self, name: str, **_: Any) -> Optional[str]:
        """One plain read."""
        return self._values[name].value if name in self._values else None

    def set_value(self, name: str, value: str, **_: Any) -> None:
        """One write."""
        self._values[name] = Value(name, value)

    def delete_value(self, name: str, **_: Any) -> bool:
        """One removal."""
        return self._values.pop(name, None) is not None

    def dispatch(self, **_: Any) -> None:
        """Nobody is told."""


class PollingSensor:
    """StackStorm's base class, as far as the pack's sensor uses it."""

    def __init__(self, sensor_service: Service, config: Dict[str, Any]) -> None:
        self.sensor_service = sensor_service
        self.config = config

    def set_poll_interval(self, seconds: float) -> None:
        """It is polled when this says so."""


def main(arguments: List[str]) -> int:
    """Poll, and print what is held."""
    told = {"interpreter": memory()}
    base = ModuleType("st2reactor.sensor.base")
    vars(base)["PollingSensor"] = PollingSensor
    sys.modules[base.__name__] = base
    from gerrit_changes_sensor import GerritChangesSensor  # noqa: PLC0415 - it is what is weighed

    config, now = json.loads(arguments[0]), datetime.fromisoformat(arguments[2])
    sensor = GerritChangesSensor(Service(), config)
    sensor.local_clock = lambda: now
    sensor.in_background = lambda _work: None
    sensor.setup()
    told["modules"] = memory()
    for _ in range(int(arguments[1])):
        sensor.poll()
    told.update(held=memory(), most=most_memory())
    told.update(used=used_memory())
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
