"""The two base classes a pack inherits from, where StackStorm is not installed.

Same signatures and abstract methods as ``st2common/runners/base_action.py`` and
``st2reactor/sensor/base.py``. If StackStorm's own modules can be imported, they are used instead.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import types
from abc import ABCMeta, abstractmethod
from typing import Any, Dict, Optional


class PackConfigDict(Dict[str, Any]):
    """An action's configuration: a missing key is a ValueError that names it, not a KeyError."""

    def __missing__(self, key: str) -> Any:
        raise ValueError(f'The pack\'s configuration is missing key "{key}". Add it there.')


class Action(metaclass=ABCMeta):
    """Base class of python-script actions."""

    description: Optional[str] = None

    def __init__(self, config: Optional[Dict[str, Any]] = None, action_service: Any = None) -> None:
        self.config = PackConfigDict(config or {})
        self.action_service = action_service
        self.logger = logging.getLogger(f"actions.python.{type(self).__name__}")

    @abstractmethod
    def run(self, **kwargs: Any) -> Any:
        """Do it; answer data, or ``(bool, data)``."""


class BaseSensor(metaclass=ABCMeta):
    """What passive and polling sensors share; a subclass must implement all six methods."""

    def __init__(self, sensor_service: Any, config: Optional[Dict[str, Any]] = None) -> None:
        self._sensor_service = self.sensor_service = sensor_service
        self._config = self.config = config or {}

    @abstractmethod
    def setup(self) -> None:
        """Prepare; an exception here ends the sensor."""

    @abstractmethod
    def run(self) -> None:
        """Run for ever."""

    @abstractmethod
    def cleanup(self) -> None:
        """Called when the sensor is stopped."""

    @abstractmethod
    def add_trigger(self, trigger: Dict[str, Any]) -> None:
        """A trigger was created."""

    @abstractmethod
    def update_trigger(self, trigger: Dict[str, Any]) -> None:
        """A trigger was changed."""

    @abstractmethod
    def remove_trigger(self, trigger: Dict[str, Any]) -> None:
        """A trigger was deleted."""


class Sensor(BaseSensor):
    """Base class of passive sensors."""


class PollingSensor(BaseSensor):
    """Base class of sensors that are polled."""

    def __init__(
        self,
        sensor_service: Any,
        config: Optional[Dict[str, Any]] = None,
        poll_interval: float = 5,
    ) -> None:
        super().__init__(sensor_service=sensor_service, config=config)
        self._poll_interval = poll_interval

    @abstractmethod
    def poll(self) -> None:
        """Look once; StackStorm waits ``poll_interval`` seconds after each."""

    def run(self) -> None:
        """Not used: the stand-in calls :meth:`poll` itself, when the test says so."""
        raise NotImplementedError("Call StandIn.poll() instead.")

    def get_poll_interval(self) -> float:
        """Seconds between polls."""
        return self._poll_interval

    def set_poll_interval(self, poll_interval: float) -> None:
        """Set the seconds between polls."""
        self._poll_interval = poll_interval


def install() -> None:
    """Make both modules importable; nothing to do where StackStorm is installed."""
    _offer("st2common.runners.base_action", Action=Action)
    _offer("st2reactor.sensor.base", Sensor=Sensor, PollingSensor=PollingSensor)


def _offer(path: str, **members: Any) -> None:
    root = path.split(".", maxsplit=1)[0]
    if root in sys.modules or importlib.util.find_spec(root) is not None:
        return
    parts = path.split(".")
    for depth in range(1, len(parts) + 1):
        name = ".".join(parts[:depth])
        module = sys.modules[name] = types.ModuleType(name)
        module.__path__ = []
        if depth > 1:
            setattr(sys.modules[".".join(parts[: depth - 1])], parts[depth - 1], module)
    vars(sys.modules[path]).update(members)
