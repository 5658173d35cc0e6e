"""Before the day: people, the pack on StackStorm, and a weekend's uploads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Sequence

import yaml

from sandbox.gerrit.seed import COMMITTEE, PROJECTS, password_of
from sandbox.gerrit.server import GerritServer
from sandbox.stackstorm import pack
from sandbox.stackstorm.api import StackStorm
from sandbox.stackstorm.options import Options
from sandbox.trackers.roundup import RoundupServer
from sandbox.trackers.roundup import password_of as tracker_password_of

#: When the pack is installed, and the first change is uploaded.
FRIDAY = "2026-03-06T17:00:00Z"
SATURDAY = "2026-03-07T09:00:00Z"
OWNERS = ("author1", "author2", "reviewer1", "reviewer2")
#: Rules on whatever triggers, by the actions they run.
ACTIONS = ("gerrit.escalate", "gerrit.nudge", "gerrit.stand_down")
#: So that all that may be asked for is uploaded on the weekend.
MINUTES_BETWEEN = 4


@dataclass(frozen=True)
class Site:
    """Gerrit, tracker and StackStorm."""

    options: Options
    gerrit: GerritServer
    roundup: RoundupServer
    st2: StackStorm

    @property
    def committee(self) -> List[str]:
        """The roster, by username."""
        return [f"committee{number}" for number in range(1, self.options.members + 1)]

    def prepare(self, only: Sequence[str] = ()) -> None:
        """People, pack, and a sensor that has polled before anything was uploaded.

        :param only: enable these rules; without it all that ask or stand down, and the options'.
        """
        self._add_people()
        secrets = pack.secrets_of(self.roundup)
        rules = only or [*asking_rules(self.options.checkout), *self.options.rules]
        pack.install(self.st2, self.options.checkout, secrets, self._config(), rules)

    def upload(self) -> None:
        """The weekend's changes, at even distances, by their owners in turn."""
        people = [self.gerrit.person(name) for name in OWNERS]
        project = PROJECTS[0]
        path = f"/projects/{project.replace('/', '%2F')}/branches"
        # What one owner uploads to one branch is asked about together: each gets its own.
        for number in range(-(-self.options.changes // len(people))):
            self.gerrit.admin.call("PUT", f"{path}/work-{number}", {})
        self.gerrit.at(SATURDAY)
        for index in range(self.options.changes):
            branch = f"work-{index // len(people)}"
            people[index % len(people)].create_change(project, f"Weekend work {index + 1}", branch)
            self.gerrit.advance(minutes=MINUTES_BETWEEN)

    def _add_people(self) -> None:
        """Those of the roster that the seeded servers do not have."""
        known = set(self.roundup.users())
        for name in self.committee:
            person = {"name": name.capitalize(), "email": f"{name}@example.org"}
            if name not in COMMITTEE:
                wanted = {**person, "http_password": password_of(name)}
                self.gerrit.admin.call("PUT", f"/accounts/{name}", wanted)
            if name not in known:
                password = tracker_password_of(name)
                self.roundup.add(
                    "user", username=name, password=password, address=person["email"], roles="User"
                )

    def _config(self) -> Dict[str, object]:
        members = {name.capitalize(): name for name in self.committee}
        limits = {
            "per_person_week": self.options.per_person_week,
            "per_run": self.options.per_run,
        }
        config = pack.configuration(self.gerrit.url, self.roundup, members, self.options.poll)
        return {**config, "limits": limits}


def asking_rules(checkout: Path) -> List[str]:
    """The names of the rules that a checkout ships to ask people and to stand down."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(checkout.glob("rules/*.yaml"))]
    rules = [yaml.safe_load(text) for text in texts]
    return [rule["name"] for rule in rules if rule["action"]["ref"] in ACTIONS]
