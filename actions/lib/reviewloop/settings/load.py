"""The pack's configuration as one frozen value, checked completely before anything runs.

The keys are those of ``config.schema.yaml``; StackStorm checks their types when a configuration is
registered, but a sensor also starts with a configuration that was never registered, and a schema
cannot say that a time zone exists. So :func:`load` checks everything and reports all problems.
"""

from __future__ import annotations

import os.path
from dataclasses import dataclass, field
from datetime import datetime
from typing import Callable, List, Mapping, Optional, Pattern, Sequence, Tuple, TypeVar, Union

from reviewloop.core.durations import Duration
from reviewloop.core.keys import SERVER_PATTERN, digest
from reviewloop.core.policy import AGENTS, Policy
from reviewloop.core.unasked import Bounds
from reviewloop.core.worktime import Calendar
from reviewloop.errors import ConfigError
from reviewloop.settings import values
from reviewloop.settings.calendar import read_calendar
from reviewloop.settings.limits import Limits, read_limits
from reviewloop.settings.profile import DEFAULTS, Profile
from reviewloop.settings.reader import Reader, Value
from reviewloop.settings.roster import RosterKind, RosterMember, RosterSettings, read_roster
from reviewloop.settings.server import Exists, read_address, read_verify
from reviewloop.settings.tracker import read_templates, read_tracker
from reviewloop.trackers.settings import TrackerSettings

__all__ = [
    "GerritSettings",
    "Limits",
    "RosterKind",
    "RosterMember",
    "RosterSettings",
    "Settings",
    "TrackerSettings",
    "load",
]

T = TypeVar("T")
CheckTemplates = Callable[[str], Sequence[str]]

_OURS = "The configuration of the gerrit pack"
_REMEDY = (
    "Correct gerrit.yaml in StackStorm's configs folder, reload it with"
    " `st2ctl reload --register-configs`, and restart the sensor."
)
DEFAULT_MILESTONES = ("1d", "2d", "5d", "10d")


@dataclass(frozen=True)
class GerritSettings:
    """How to reach Gerrit; ``verify`` is False, True, or the path of a certificate file."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    verify: Union[bool, str] = True
    query: str = ""


@dataclass(frozen=True)
class Settings:
    """The whole configuration.

    :param server: as event ids, keys and stored values name it: ``server_id``, or host[:port] of
        Gerrit's address.
    :param max_triggers_per_hour: 0 for as many as ``max_triggers_per_poll`` comes to.
    :param sensor_cache: the folder of the sensor's cache; ``none`` for none at all, "" for one of
        temporary files.
    :param templates: a folder whose templates go before the pack's own; "" for none.
    :param warnings: what is read all the same, and should be written otherwise.
    :param profile: the name of what the configuration takes as its base; ``none`` without one.
    :param sensor_id: tells sensors apart that share a server; "" for the only one.
    :param usual_wait: whether texts say within which time others usually got a review.
    """

    gerrit: GerritSettings
    server: str
    poll_interval: int
    catch_up: Duration
    coverage_reach: Duration
    max_triggers_per_poll: int
    policy: Policy
    roster: RosterSettings
    tracker: TrackerSettings
    limits: Limits
    sensor_id: str = ""
    templates: str = ""
    max_triggers_per_hour: int = 0
    sensor_cache: str = ""
    warnings: Tuple[str, ...] = ()
    profile: str = DEFAULTS.name
    usual_wait: bool = False

    @property
    def triggers_per_hour(self) -> int:
        """How many triggers go out in an hour while more are due."""
        most = max(1, self.max_triggers_per_poll * 3_600 // self.poll_interval)
        return min(most, self.max_triggers_per_hour or most)

    def is_held_out(self, number: int) -> bool:
        """Whether a change is left alone on purpose, to compare: always the same changes."""
        percent = self.limits.hold_out_percent
        return percent > 0 and int(digest("hold-out", self.server, number), 16) % 100 < percent

    def bounds(self, now: datetime) -> Bounds:
        """What is left alone now, and what has been idle for longer than ``coverage_reach``."""
        calendar = self.policy.calendar
        reach = self.coverage_reach.seconds(calendar)
        return Bounds(now, self.is_held_out, calendar.rewind(now, reach))


def load(
    config: Optional[Mapping[str, object]],
    exists: Exists = os.path.isfile,
    check_templates: CheckTemplates = lambda _folder: (),
    where: str = "",
) -> Settings:
    """The settings in a pack configuration, as StackStorm hands it to sensors and actions.

    :param exists: whether a path is a readable file, asked for certificate files.
    :param check_templates: what is wrong in a folder of templates, each in a sentence.
    :param where: where it stands, if that is not StackStorm's own place.
    :raises ConfigError: something is wrong; ``problems`` and the message list everything that is.
    """
    problems: List[str] = []
    top = Reader("", config or {}, problems)
    settings = _settings(top, exists)
    top.finish()
    if settings.templates and os.path.isdir(settings.templates):
        problems.extend(check_templates(settings.templates))
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        listed = "\n".join(f"- {p}" for p in problems)
        what, remedy = (where, "Correct it there.") if where else (_OURS, _REMEDY)
        raise ConfigError(f"{what} has {count}:\n{listed}", f"\n{remedy}", problems=problems)
    return settings


def _settings(top: Reader, exists: Exists) -> Settings:
    gerrit, server = _gerrit(top, exists)
    limits = top.section("limits")
    profile = _profile(top)
    policy = _policy(top, profile, limits, gerrit.username)
    tracker = top.section("tracker")
    warnings: List[str] = []
    return Settings(
        gerrit=gerrit,
        server=server,
        sensor_id=top.value("sensor_id", "", "docs").parse(values.sensor_id) or "",
        poll_interval=top.number("poll_interval", 300, 30, 86_400),
        catch_up=_duration(top.value("catch_up", "0d", '"2d"'), values.duration),
        coverage_reach=_duration(top.value("coverage_reach", "60d", '"60d"'), values.duration),
        max_triggers_per_poll=top.number("max_triggers_per_poll", 50, 1, 1_000),
        policy=policy,
        roster=read_roster(top.section("roster")),
        tracker=read_tracker(tracker, exists),
        limits=read_limits(limits),
        templates=read_templates(top, tracker, warnings),
        max_triggers_per_hour=top.number("max_triggers_per_hour", 0, 0, 120_000),
        sensor_cache=_sensor_cache(top),
        warnings=tuple(warnings),
        profile=profile.name,
        usual_wait=top.flag("usual_wait", False),
    )


def _sensor_cache(top: Reader) -> str:
    value = top.value("sensor_cache", "", "/var/cache/st2-gerrit")
    return value.parse(values.cache_folder) or ""


def _gerrit(top: Reader, exists: Exists) -> Tuple[GerritSettings, str]:
    parts = read_address(top, "url", "https://review.example.org", values.gerrit_address)
    if not top.given("url"):
        top.problem(
            "url", "is missing: write the server's address, such as https://review.example.org."
        )
    username, password = _credentials(top)
    settings = GerritSettings(
        url=parts.geturl() if parts else "",
        username=username,
        password=password,
        verify=read_verify(top, exists),
        query=top.value("query", "-is:private", '"-is:private"').parse(values.query) or "",
    )
    return settings, _server(top, parts.netloc if parts else "")


def _server(top: Reader, host: str) -> str:
    """``server_id``, which outlives an address, or the host: one definition for all ids."""
    told = top.value("server_id", "", "review.example.org")
    if told.text:
        return told.parse(values.server_id) or ""
    if host and not SERVER_PATTERN.fullmatch(host):
        top.problem(
            "url",
            f"names the host {host!r}, which cannot be part of an id: set server_id to a"
            " name of your own for the server, such as review.example.org.",
        )
    return host


def _credentials(section: Reader) -> Tuple[str, str]:
    username = section.text("username", "", "st2-reviews")
    password = section.secret("password")
    if username and not password:
        section.problem(
            "password",
            f"{section.lacking('password', 'gerrit_password')} Or remove"
            f" {section.at('username')} {username!r}, to read without an account.",
        )
    if password and not username:
        section.problem(
            "username",
            f"is missing while {section.at('password')} is given: write the account's name, such as"
            " st2-reviews, or remove the password.",
        )
    return username, password


def _profile(top: Reader) -> Profile:
    """The profile that the configuration names; the communities are read only then."""
    known = {DEFAULTS.name: DEFAULTS}
    if top.given("profile"):
        from reviewloop.settings.communities import PROFILES  # noqa: PLC0415 - see above

        known = PROFILES
    return known[top.choice("profile", DEFAULTS.name, tuple(known))]


def _policy(top: Reader, profile: Profile, limits: Reader, username: str) -> Policy:
    calendar = read_calendar(top.section("calendar"))
    return Policy(
        milestones=_milestones(top, calendar),
        approval=_all(_at_least_one(top, "approval", profile.approval), values.approving_vote),
        hold=_all(top.texts("hold", profile.hold, '"Code-Review-2"'), values.holding_vote),
        automation=_patterns(top, "automation", profile.automation),
        advisers=_patterns(top, "advisers", profile.advisers),
        agents=_patterns(top, "agents", AGENTS),
        gate_failures=_patterns(top, "gate_failures", profile.gate_failures),
        review_labels=_all(
            top.texts("review_labels", profile.review_labels, '"Code-Review"'), values.label
        ),
        noise=_patterns(top, "noise", profile.noise),
        calendar=calendar,
        own_account=username,
        ack_pause=_duration(limits.value("ack_pause", "2d", '"2d"'), values.positive_duration),
        max_snooze=_duration(limits.value("max_snooze", "30d", '"30d"'), values.positive_duration),
    )


def _duration(value: Value, parser: Callable[[str], Duration]) -> Duration:
    return value.parse(parser) or Duration(1, "d")


def _all(found: Sequence[Value], parser: Callable[[str], T]) -> Tuple[T, ...]:
    parsed = [value.parse(parser) for value in found]
    return tuple(item for item in parsed if item is not None)


def _at_least_one(top: Reader, key: str, default: Sequence[str]) -> Tuple[Value, ...]:
    if top.values.get(key) == []:
        top.problem(key, f'is empty: write at least one, such as ["{default[0]}"].')
    return top.texts(key, default, f'"{default[0]}"')


def _patterns(top: Reader, key: str, default: Sequence[str]) -> Tuple[Pattern[str], ...]:
    return _all(top.texts(key, default, f"'{default[0]}'"), values.pattern)


def _milestones(top: Reader, calendar: Calendar) -> Tuple[Duration, ...]:
    found = _at_least_one(top, "milestones", DEFAULT_MILESTONES)
    parsed = [(value, value.parse(values.positive_duration)) for value in found]
    good = [(value, duration) for value, duration in parsed if duration is not None]
    for (before, shorter), (value, longer) in zip(good, good[1:]):
        if longer.seconds(calendar) <= shorter.seconds(calendar):
            value.problem(
                f"not longer than {before.path}, {before.text}, in this calendar"
                f" (1d is {calendar.day_seconds / 3600:g} hours); list them ascending, each once."
            )
    return tuple(duration for _, duration in good)
