"""A profile: what the configurations of one community's servers have in common.

``profile: NAME`` takes one as the base, and a key that the configuration gives replaces the
profile's whole value. A profile says nothing of people, hours or trackers. ``config.schema.yaml``
must hold no defaults for these keys: StackStorm would fill them in, and they would win.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Tuple

from reviewloop.core.policy import ADVISERS, GATE_FAILURES, NOISE

#: The keys that a profile has values for, in the order of the configuration.
KEYS = (
    "approval",
    "hold",
    "review_labels",
    "automation",
    "advisers",
    "gate_failures",
    "noise",
)


@dataclass(frozen=True)
class Profile:
    """Values for :data:`KEYS` as they are written in a configuration; the defaults are the pack's.

    :param title: the community, in words.
    :param server: an address as this community's are, under a placeholder.
    :param why: for each key that differs from the defaults, a sentence.
    :param notes: what no key can say, and what an operator should know.
    :param sources: the public pages on which the values rely.
    """

    name: str = "none"
    title: str = "No community"
    server: str = "https://review.example.org"
    approval: Tuple[str, ...] = ("Code-Review+2",)
    hold: Tuple[str, ...] = ("Code-Review-2", "Workflow-1")
    review_labels: Tuple[str, ...] = ("Code-Review",)
    automation: Tuple[str, ...] = ("^zuul$", "-ci$")
    advisers: Tuple[str, ...] = ADVISERS
    gate_failures: Tuple[str, ...] = GATE_FAILURES
    noise: Tuple[str, ...] = NOISE
    why: Mapping[str, str] = field(default_factory=dict, hash=False)
    notes: Tuple[str, ...] = ()
    sources: Tuple[str, ...] = ()

    def values(self, key: str) -> Tuple[str, ...]:
        """The values of one of :data:`KEYS`."""
        found: Tuple[str, ...] = getattr(self, key)
        return found

    def own(self) -> Tuple[str, ...]:
        """The keys whose values are not the pack's defaults."""
        return tuple(key for key in KEYS if self.values(key) != DEFAULTS.values(key))


#: What holds without a profile.
DEFAULTS = Profile()
