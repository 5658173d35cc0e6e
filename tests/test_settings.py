"""The configuration as the operator writes it: what is accepted, and how each mistake is named."""

from __future__ import annotations

import copy
import dataclasses
from datetime import date, datetime, timezone
from typing import Any, Dict, Iterator, Mapping, Tuple

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from repository import ROOT
from reviewloop.core.durations import Duration
from reviewloop.core.policy import Policy, Vote
from reviewloop.errors import ConfigError
from reviewloop.settings.load import RosterKind, Settings, load
from reviewloop.trackers.factory import ADAPTERS, KINDS

URL = "https://review.example.org"
SCHEMA = yaml.safe_load((ROOT / "config.schema.yaml").read_text(encoding="utf-8"))


def example() -> Dict[str, Any]:
    """The example configuration, with its templates rendered as StackStorm would."""
    config = yaml.safe_load((ROOT / "gerrit.yaml.example").read_text(encoding="utf-8"))
    config["password"] = config["tracker"]["token"] = "rendered"
    return config


def given_config(**keys: Any) -> Settings:
    """Settings with the URL and these keys; every certificate file exists."""
    return load({"url": URL, **keys}, exists=lambda _path: True)


def problems(**keys: Any) -> Tuple[str, ...]:
    """The problems of a configuration with the URL and these keys; no certificate file exists."""
    with pytest.raises(ConfigError) as caught:
        load({"url": URL, **keys}, exists=lambda _path: False)
    return caught.value.problems


def only_problem(**keys: Any) -> str:
    """The problem of a configuration that has exactly one."""
    found = problems(**keys)
    assert len(found) == 1, found
    return found[0]


# --- what is accepted -------------------------------------------------------------------------


def test_url_alone_is_enough_and_the_rest_has_the_documented_defaults():
    """Only the URL is required; a policy of defaults is the core's own, but for known robots."""
    settings = given_config()

    policy = Policy()
    assert settings.server == "review.example.org"
    assert (settings.poll_interval, settings.max_triggers_per_poll) == (300, 50)
    assert settings.catch_up == Duration(0, "d")
    assert settings.policy.milestones == policy.milestones
    assert settings.policy.approval == policy.approval
    assert settings.policy.hold == policy.hold
    for key in ("advisers", "agents", "gate_failures", "review_labels", "noise"):
        assert getattr(settings.policy, key) == getattr(policy, key), key
    assert (settings.policy.ack_pause, settings.policy.max_snooze) == (
        policy.ack_pause,
        policy.max_snooze,
    )
    assert (settings.tracker.kind, settings.roster.members) == ("none", ())
    assert settings.gerrit.verify is True


def test_defaults_that_stackstorm_fills_in_change_nothing():
    """The schema's defaults and the code's are the same, whoever applies them."""

    def filled(schema: Mapping[str, Any]) -> Dict[str, Any]:
        values = {key: spec["default"] for key, spec in schema.items() if "default" in spec}
        nested = {key: filled(spec["properties"]) for key, spec in schema.items() if _nests(spec)}
        return {**values, **nested}

    assert repr(load({**filled(SCHEMA), "url": URL})) == repr(load({"url": URL}))


def test_nulls_of_the_interactive_form_count_as_not_given():
    """``st2 pack config`` writes null for every answer left empty, in sections as well."""

    def nulls(schema: Mapping[str, Any]) -> Dict[str, Any]:
        return {
            key: nulls(spec["properties"]) if _nests(spec) else None for key, spec in schema.items()
        }

    assert repr(load({**nulls(SCHEMA), "url": URL})) == repr(load({"url": URL}))


def test_example_configuration_loads():
    """The shipped example is valid once its templates are rendered."""
    settings = load(example())

    chairs = [member.name for member in settings.roster.members if member.chair]
    assert chairs == ["Committee Chair"]
    assert settings.roster.members[0].login("github") == "committee-one"
    assert settings.roster.members[0].login("roundup") == ""
    assert settings.policy.own_account == "st2-reviews"


@pytest.mark.parametrize(
    ("written", "url", "server"),
    [
        (URL, URL, "review.example.org"),
        (f"{URL}/", URL, "review.example.org"),
        (f"{URL}/a/", URL, "review.example.org"),
        (f"{URL}/r/a", f"{URL}/r", "review.example.org"),
        (f"{URL}/#/q/status:open", URL, "review.example.org"),
        (f"{URL}/q/status:open+-is:wip", URL, "review.example.org"),
        (f"{URL}/c/tools/build/+/7/2/a.py", URL, "review.example.org"),
        (f"{URL}/gerrit/dashboard/self", f"{URL}/gerrit", "review.example.org"),
        (f"{URL}:443/", URL, "review.example.org"),
        (
            "HTTP://Review.Example.org:8080",
            "http://review.example.org:8080",
            "review.example.org:8080",
        ),
        ("http://[::1]:8080/", "http://[::1]:8080", "[::1]:8080"),
        ("https://example.org/c/x", "https://example.org/c/x", "example.org"),
    ],
)
def test_url_loses_what_was_copied_along_with_it(written: str, url: str, server: str):
    """The open page, the ``/a`` prefix and the default port do not belong to the server."""
    settings = load({"url": written})

    assert (settings.gerrit.url, settings.server) == (url, server)


def test_certificate_file_replaces_the_switch():
    """``verify`` is what requests expects: a path where one is given, else a boolean."""
    assert given_config(ca_bundle="/etc/ssl/own.pem").gerrit.verify == "/etc/ssl/own.pem"
    assert given_config(verify_tls=False).gerrit.verify is False


def test_certificate_file_contradicts_an_unchecked_certificate():
    """One of the two is a mistake, and which one decides over security: the operator says."""
    with pytest.raises(ConfigError, match="ca_bundle is given while verify_tls is false"):
        given_config(ca_bundle="/own.pem", verify_tls=False)


def test_patterns_are_searched_without_regard_to_case():
    """Robots sign as they like."""
    (pattern,) = given_config(automation=["^zuul$"]).policy.automation

    assert pattern.search("Zuul")
    assert not pattern.search("zuulian")


def test_tracker_has_a_certificate_file_of_its_own():
    """Gerrit's private authority says nothing about a tracker elsewhere."""
    settings = given_config(
        ca_bundle="/gerrit.pem",
        tracker={"kind": "roundup", "url": "https://t.example.org/x/", "token": "bot:pw"},
    )

    assert settings.tracker.tls is True
    assert settings.tracker.url == "https://t.example.org/x"


def test_group_roster_keeps_members_as_details():
    """With a Gerrit group the members only add to who is found there."""
    roster = given_config(
        roster={"kind": "gerrit_group", "group": "tech-committee", "members": [{"gerrit": "a1"}]}
    ).roster

    assert (roster.kind, roster.group) == (RosterKind.GERRIT_GROUP, "tech-committee")
    assert roster.members[0].gerrit == "a1"


# --- the calendar -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "start", "length"),
    [
        ("00:00-24:00", 0, 24),
        ("09:00-17:00", 9, 8),
        ("09:00 - 17:30", 9, 8.5),
        ("22:00-06:00", 22, 8),
        ("22:00-24:00", 22, 2),
        ("22:00-00:00", 22, 2),
    ],
)
def test_hours_may_pass_midnight(hours: str, start: float, length: float):
    """Hours are a start and a length; an end before the start lies on the next day."""
    calendar = given_config(calendar={"hours": hours}).policy.calendar

    assert (calendar.start, calendar.length) == (start * 3600, length * 3600)


@given(st.integers(0, 1439), st.integers(1, 1440))
def test_any_hours_of_some_length_are_read_exactly(start: int, length: int):
    """Property: whatever start and length are written, they are what the calendar has."""
    end = start + length if start + length <= 1440 else start + length - 1440
    if end == start:  # a whole day that does not begin at midnight cannot be written
        end = start = 0
    text = f"{start // 60:02}:{start % 60:02}-{end // 60 or 0:02}:{end % 60:02}"
    text = "00:00-24:00" if start == end else text

    calendar = given_config(calendar={"hours": text}).policy.calendar

    assert (calendar.start, calendar.length) == (start * 60, length * 60)


def test_days_off_are_holidays_dates_and_freezes_with_both_ends():
    """A day is off for any of three reasons, and a freeze includes its first and last day."""
    off = given_config(
        calendar={
            "holidays": {"countries": ["DE-BY"], "dates": ["2026-03-04"]},
            "freezes": [{"from": "2026-03-09", "to": "2026-03-10", "reason": "release"}],
        }
    ).policy.calendar.days_off

    march = [day for day in range(1, 32) if off(date(2026, 3, day))]
    assert march == [4, 9, 10]
    assert off(date(2026, 1, 6))  # Epiphany, a holiday in Bavaria only
    assert not given_config(
        calendar={"holidays": {"countries": ["DE-BE"]}}
    ).policy.calendar.days_off(date(2026, 1, 6))


def test_calendar_counts_in_the_configured_zone_and_days():
    """Two hours of a Berlin morning are two hours; a holiday in between is none."""
    calendar = given_config(
        calendar={
            "timezone": "Europe/Berlin",
            "hours": "09:00-17:00",
            "holidays": {"countries": ["DE"]},
        }
    ).policy.calendar

    thursday = datetime(2026, 4, 30, 13, tzinfo=timezone.utc)  # 15:00 in Berlin
    monday = datetime(2026, 5, 4, 8, tzinfo=timezone.utc)  # 10:00; the 1st of May is a holiday
    assert calendar.elapsed(thursday, monday) == 3 * 3600


def test_milestones_are_compared_in_the_configured_calendar():
    """Ten hours are longer than a working day of eight, and shorter than one of twenty-four."""
    eight = {"hours": "09:00-17:00"}
    assert len(given_config(calendar=eight, milestones=["1d", "10h"]).policy.milestones) == 2

    found = only_problem(milestones=["1d", "10h"])
    assert found.startswith("milestones[1] is '10h': not longer than milestones[0], 1d")


# --- how mistakes are named -------------------------------------------------------------------

CALENDAR_MISTAKES = [
    ({"timezone": "Europe/Berln"}, "calendar.timezone is 'Europe/Berln'", "Europe/Berlin"),
    ({"timezone": "Europe"}, "calendar.timezone is 'Europe'", "IANA"),
    ({"timezone": "../../etc/passwd"}, "calendar.timezone is '../../etc/passwd'", "IANA"),
    ({"workdays": []}, "calendar.workdays is empty", "[mon, tue, wed, thu, fri]"),
    ({"workdays": ["Monday"]}, "calendar.workdays[0] is 'Monday'", "Did you mean mon?"),
    ({"hours": "9-17"}, "calendar.hours is '9-17'", "09:00-17:00"),
    ({"hours": "24:00-06:00"}, "calendar.hours is '24:00-06:00'", "ends at 24:00"),
    ({"hours": "09:00-24:30"}, "calendar.hours is '09:00-24:30'", "ends at 24:00"),
    ({"hours": "09:60-17:00"}, "calendar.hours is '09:60-17:00'", "HH:MM-HH:MM"),
    ({"hours": "09:00-09:00"}, "calendar.hours is '09:00-09:00'", "00:00-24:00"),
    ({"holidays": {"countries": ["XX"]}}, "calendar.holidays.countries[0] is 'XX'", "DE-BY"),
    ({"holidays": {"countries": ["de"]}}, "calendar.holidays.countries[0] is 'de'", "mean DE"),
    ({"holidays": {"countries": ["DE-XX"]}}, "calendar.holidays.countries[0] is 'DE-XX'", "BY"),
    ({"holidays": {"countries": [False]}}, "calendar.holidays.countries[0] is False", "in quotes"),
    ({"holidays": {"dates": ["2026-02-30"]}}, "calendar.holidays.dates[0] is '2026-02-30'", "-12-"),
    ({"holidays": {"dates": ["", "x"]}}, "calendar.holidays.dates[0] is ''", "empty"),
    ({"holidays": {"dates": [date(2026, 1, 2)]}}, "calendar.holidays.dates[0] is", "in quotes"),
    ({"freezes": [{"from": "2026-01-02"}]}, "calendar.freezes[0].to is missing", "write a date"),
    ({"freezes": ["May"]}, "calendar.freezes[0] is text", "{from:"),
    (
        {"freezes": [{"from": "2026-01-02", "to": "2026-01-01"}]},
        "calendar.freezes[0].to is 2026-01-01, before its from",
        "swap",
    ),
    ({"holiday": {}}, "calendar.holiday is not a setting", "Did you mean holidays?"),
]
MISTAKES = [
    ({"url": "ftp://x"}, "url is 'ftp://x'", "https://review.example.org"),
    ({"url": "review.example.org"}, "url is 'review.example.org'", "https://"),
    ({"url": "https://"}, "url is 'https://'", "https://review.example.org"),
    ({"url": "https://host:99999"}, "url is 'https://host:99999'", "https://host:port/path"),
    ({"url": None}, "url is missing", "https://review.example.org"),
    ({"url": "  "}, "url is missing", "https://review.example.org"),
    ({"username": "bot"}, "password is missing", "st2 key set gerrit_password VALUE --encrypt"),
    ({"username": "bot"}, "password is missing", "Or remove username 'bot'"),
    ({"username": "bot", "password": ""}, "password has no value", "that key does not exist"),
    ({"username": "bot", "password": None}, "password has no value", "st2 key set"),
    (
        {"tracker": {"kind": "github", "project": "a/b", "token": ""}},
        "tracker.token has no value",
        "st2 key set gerrit_tracker_token VALUE --encrypt",
    ),
    (
        {"tracker": {"kind": "github", "project": "a/b"}},
        "tracker.token is missing",
        'write "{{ st2kv.system.gerrit_tracker_token }}"',
    ),
    ({"password": "x"}, "username is missing while password is given", "st2-reviews"),
    ({"ca_bundle": "/nope.pem"}, "ca_bundle is '/nope.pem'", "absolute path"),
    ({"query": "project:a status:open"}, "query is 'project:a status:open'", "status:open"),
    ({"query": "-is:closed"}, "query is '-is:closed'", "leave it out"),
    ({"query": "(is:open OR owner:self)"}, "query is '(is:open OR owner:self)'", "is:open"),
    ({"query": "age:2d"}, "query is 'age:2d'", "however old"),
    ({"query": "limit:5"}, "query is 'limit:5'", "leave it out"),
    ({"query": 'message:"a'}, "query is 'message:\"a'", "close it"),
    ({"query": "(project:a"}, "query is '(project:a'", "add the )"),
    ({"query": "project:a)"}, "query is 'project:a)'", "remove it"),
    ({"poll_interval": 29}, "poll_interval is 29", "from 30 to 86400"),
    ({"max_triggers_per_poll": 0}, "max_triggers_per_poll is 0", "from 1"),
    ({"catch_up": "2 days"}, "catch_up is '2 days'", "write 2d"),
    ({"catch_up": "900d"}, "catch_up is '900d'", "more than a year"),
    ({"milestones": []}, "milestones is empty", '["1d"]'),
    ({"milestones": ["3 Hours"]}, "milestones[0] is '3 Hours'", "write 3h"),
    ({"milestones": ["soon"]}, "milestones[0] is 'soon'", "such as 4h or 2d"),
    ({"milestones": ["0d"]}, "milestones[0] is '0d'", "more than nothing"),
    ({"milestones": ["2d", "2d"]}, "milestones[1] is '2d'", "each once"),
    ({"milestones": ["5d", "1w"]}, "milestones[1] is '1w'", "ascending"),
    ({"milestones": "2d"}, "milestones is '2d': it is text, must be a list", "1d"),
    ({"milestones": [2]}, "milestones[0] is 2: it is a whole number, must be text", "quotes"),
    ({"approval": []}, "approval is empty", "Code-Review+2"),
    ({"approval": ["Code-Review"]}, "approval[0] is 'Code-Review'", "Code-Review+2"),
    ({"approval": ["Code-Review-2"]}, "approval[0] is 'Code-Review-2'", "above zero"),
    ({"hold": ["Workflow+0"]}, "hold[0] is 'Workflow+0'", "a zero is no vote"),
    ({"hold": ["Hold"]}, "hold[0] is 'Hold'", "Code-Review+2"),
    (
        {"review_labels": ["Code Review"]},
        "review_labels[0] is 'Code Review'",
        "the name of a label",
    ),
    ({"review_labels": ["Verified+1"]}, "review_labels[0] is 'Verified+1'", "the name of a label"),
    ({"review_labels": ["-Verified"]}, "review_labels[0] is '-Verified'", "the name of a label"),
    ({"review_labels": "Verified"}, "review_labels is 'Verified': it is text", "must be a list"),
    ({"advisers": ["ai("]}, "advisers[0] is 'ai('", "put a backslash before it"),
    ({"advisers": ["(?i)"]}, "advisers[0] is '(?i)'", "matches every text"),
    ({"agents": ["^*by:"]}, "agents[0] is '^*by:'", "not a regular expression"),
    ({"agents": [True]}, "agents[0] is True: it is true or false", "text in quotes"),
    ({"gate_failures": ["[x"]}, "gate_failures[0] is '[x'", "not a regular expression"),
    ({"gate_failures": ["x*"]}, "gate_failures[0] is 'x*'", "matches every text"),
    ({"gate_failures": [""]}, "gate_failures[0] is ''", "it is empty"),
    ({"noise": {"recheck": 1}}, "noise is {'recheck': 1}: it is a mapping", "must be a list"),
    ({"automation": ["a(b"]}, "automation[0] is 'a(b'", "at character 2"),
    ({"automation": ["ci|"]}, "automation[0] is 'ci|'", "matches every text"),
    ({"noise": [".*"]}, "noise[0] is '.*'", "matches every text"),
    ({"usrname": "x"}, "usrname is not a setting", "Did you mean username?"),
    ({"zzz": 1}, "zzz is not a setting", "Remove it"),
    ({"calendar": ["UTC"]}, "calendar is ['UTC']: it is a list, must be a mapping", "key: value"),
    ({"roster": {"kind": "gerrit_group"}}, "roster.group is missing", "tech-committee"),
    ({"roster": {"group": "tc"}}, "roster.group is 'tc', but kind is static", "gerrit_group"),
    ({"roster": {"kind": "ldap"}}, "roster.kind is 'ldap'", "static, gerrit_group"),
    ({"roster": {"members": [{}]}}, "roster.members[0].gerrit is missing", "account id"),
    ({"roster": {"members": [{"name": "A B"}]}}, "roster.members[0].name is 'A B'", "under email"),
    ({"server_id": "a b"}, "server_id is 'a b'", "gerrit-1"),
    ({"server_id": "a:1"}, "server_id is 'a:1'", "gerrit-1"),
    ({"sensor_id": "the docs"}, "sensor_id is 'the docs'", "such as docs"),
    ({"templates": "/no"}, "templates is '/no'", "no such folder"),
    ({"roster": {"members": ["a"]}}, "roster.members[0] is text", "{name:"),
    (
        {"roster": {"members": [{"nmae": "x", "gerrit": "a"}]}},
        "roster.members[0].nmae is not a setting",
        "Did you mean name?",
    ),
    (
        {"roster": {"members": [{"name": "A", "email": "a at b"}]}},
        "roster.members[0].email is 'a at b'",
        "committee1@example.org",
    ),
    (
        {"roster": {"members": [{"gerrit": "a"}, {"gerrit": "b"}, {"gerrit": "A"}]}},
        "roster.members[2].gerrit is 'A', as is members[0]'s",
        "remove one",
    ),
    (
        {"roster": {"members": [{"gerrit": "a", "tracker": {"gihub": "x"}}]}},
        "roster.members[0].tracker.gihub is no kind of tracker",
        "Did you mean github?",
    ),
    ({"tracker": {"kind": "githb"}}, "tracker.kind is 'githb'", "Did you mean github"),
    (
        {"tracker": {"kind": "github", "token": "x"}},
        "tracker.project is missing: github needs it",
        "owner/repository",
    ),
    (
        {"tracker": {"kind": "github", "token": "x", "project": "repo"}},
        "tracker.project is 'repo': it has not the form",
        "owner/repository",
    ),
    (
        {"tracker": {"kind": "roundup", "token": "a:b"}},
        "tracker.url is missing: roundup needs it",
        "https://tracker.example.org",
    ),
    (
        {"tracker": {"kind": "roundup", "url": "https://t.example.org", "token": "x"}},
        "tracker.token (not shown) has not the form",
        "user:password",
    ),
    ({"tracker": {"ca_bundle": "/no"}}, "tracker.ca_bundle is '/no'", "absolute path"),
    (
        {
            "tracker": {
                "kind": "jira",
                "url": "https://x.atlassian.net",
                "project": "REV",
                "token": "x",
            }
        },
        "tracker.username is missing",
        "mail address",
    ),
    (
        {"tracker": {"kind": "servicenow", "url": "https://i.example.org", "token": "x"}},
        "tracker.token (not shown)",
        "user:password",
    ),
    ({"tracker": {"reopen_days": -1}}, "tracker.reopen_days is -1", "from 0 to 3650"),
    ({"tracker": {"wont_fix": [3]}}, "tracker.wont_fix[0] is 3", "text in quotes"),
    ({"tracker": {"templates": "/no"}}, "tracker.templates is '/no'", "no such folder"),
    (
        {"tracker": {"existing": ["Bug: (\\d+"]}},
        "tracker.existing[0] is",
        "not a regular expression",
    ),
    ({"tracker": {"existing": ["Bug: \\d+"]}}, "tracker.existing[0] is", "one group"),
    ({"tracker": {"existing": ["(a)(b)"]}}, "tracker.existing[0] is", "one group"),
    (
        {"tracker": {"kind": "github", "project": "o/r", "token": "x", "options": {"queue": "y"}}},
        "tracker.options.queue is no option of this kind",
        "It has none",
    ),
    ({"mail": {"host": "smtp.example.org"}}, "mail is not a setting of this pack", "Remove it"),
    ({"limits": {"hold_out_percent": 90}}, "limits.hold_out_percent is 90", "from 0 to 50"),
    ({"limits": {"ack_pause": "0d"}}, "limits.ack_pause is '0d'", "more than nothing"),
    ({"limits": {"per_week": 1}}, "limits.per_week is not a setting", "per_person_week"),
    *[({"calendar": keys}, start, remedy) for keys, start, remedy in CALENDAR_MISTAKES],
]


@pytest.mark.parametrize(
    ("keys", "start", "remedy"), MISTAKES, ids=[start for _, start, _ in MISTAKES]
)
def test_mistake_is_named_by_key_and_value_and_says_what_to_write(
    keys: Dict[str, Any], start: str, remedy: str
):
    """Every problem begins with the key's path, shows the value, and holds the way out."""
    found = problems(**keys)

    named = [problem for problem in found if problem.startswith(start)]
    assert len(named) == 1, found
    assert remedy in named[0]
    assert named[0].endswith((".", "?", "}", ")"))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "-is:private -is:wip",
        "(project:^infra/.* OR project:docs)",
        'message:"status:open (draft"',
        "topic:{is:open}",
        "project:limit",
        "hashtag:status",
        "label:Verified=+1",
    ],
)
def test_query_that_only_looks_like_a_status_is_accepted(query: str):
    """Quoted phrases and other operators' values are no terms of their own."""
    assert given_config(query=query).gerrit.query == (query or "-is:private")


def test_all_problems_are_reported_at_once():
    """An operator corrects the file once, not once for each mistake."""
    wrong = {
        "poll_interval": 1,
        "milestones": ["x", "y"],
        "calendar": {"timezone": "Mars/North", "hours": "late"},
        "tracker": {"kind": "github"},
        "nonsense": True,
    }

    with pytest.raises(ConfigError) as caught:
        load({"url": URL, **wrong})

    assert [problem.split(" ")[0] for problem in caught.value.problems] == [
        "calendar.timezone",
        "calendar.hours",
        "milestones[0]",
        "milestones[1]",
        "poll_interval",
        "tracker.project",
        "tracker.token",
        "nonsense",
    ]
    assert "has 8 problems:\n- calendar.timezone" in caught.value.message
    assert "st2ctl reload --register-configs" in caught.value.remedy


def _nests(spec: Mapping[str, Any]) -> bool:
    return spec["type"] == "object" and "properties" in spec


def _leaves(schema: Mapping[str, Any], path: Tuple[str, ...] = ()) -> Iterator[Tuple[str, ...]]:
    """The paths of all settings of the schema that are no sections."""
    for key, spec in schema.items():
        if _nests(spec):
            yield from _leaves(spec["properties"], (*path, key))
        else:
            yield (*path, key)


def _with(path: Tuple[str, ...], value: Any) -> Dict[str, Any]:
    """The example configuration with one value replaced or added."""
    config = example()
    inner = config
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = value
    return config


@pytest.mark.parametrize("path", list(_leaves(SCHEMA)), ids=".".join)
def test_value_of_a_type_that_fits_nothing_is_named(path: Tuple[str, ...]):
    """Every setting of the schema is read, and refuses a type it cannot be."""
    with pytest.raises(ConfigError) as caught:
        load(_with(path, 1.5), exists=lambda _path: True)

    assert [p for p in caught.value.problems if p.startswith(f"{'.'.join(path)} is ")], caught.value


SECRETS = [("password",), ("tracker", "token")]


@pytest.mark.parametrize("path", SECRETS, ids=".".join)
def test_unrendered_secret_is_told_how_to_be_stored(path: Tuple[str, ...]):
    """A secret that still is a template was never rendered, and would be sent as a password."""
    with pytest.raises(ConfigError) as caught:
        load(_with(path, "{{ st2kv.system.hidden_name }}"))

    named = [p for p in caught.value.problems if p.startswith(f"{'.'.join(path)} is still a templ")]
    assert len(named) == 1
    assert "st2 key set NAME VALUE --encrypt" in named[0]


@pytest.mark.parametrize("wrong", [["hunter2"], {"a": "hunter2"}, "{{ 'hunter2' }}"], ids=repr)
@pytest.mark.parametrize("path", SECRETS, ids=".".join)
def test_secret_shows_in_no_message(path: Tuple[str, ...], wrong: Any):
    """However wrong a secret is, its value is not repeated."""
    with pytest.raises(ConfigError) as caught:
        load(_with(path, wrong))

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://bot:hunter2@host",
        "https://bot:hun#ter2@host",
        "bot:hunter2@host",
        ["https://bot:hunter2@host"],
        "https://bot:hunter2@host:port",
    ],
    ids=repr,
)
@pytest.mark.parametrize("path", [("url",), ("tracker", "url")], ids=".".join)
def test_user_information_of_an_address_shows_in_no_message(path: Tuple[str, ...], url: Any):
    """A password in an address is refused without being repeated."""
    with pytest.raises(ConfigError) as caught:
        load(_with(path, url))

    assert "ter2" not in str(caught.value)
    assert [p for p in caught.value.problems if p.startswith(".".join(path))]


def test_representation_shows_no_secret():
    """Settings may be logged: their representation leaves the secrets out."""
    config = example()
    config["tracker"]["token"] = config["password"] = "hunter2"

    assert "hunter2" not in repr(load(config))


def test_settings_are_frozen_all_the_way_down():
    """No part of the settings can be changed, so one value can be shared."""

    def values(value: object) -> Iterator[object]:
        if isinstance(value, tuple):
            for item in value:
                yield from values(item)
        elif dataclasses.is_dataclass(value):
            yield value
            for field in dataclasses.fields(value):
                yield from values(getattr(value, field.name))
        else:
            assert not isinstance(value, (list, set)), value

    shapes = list(values(load(example())))
    assert len(shapes) > 20
    assert all(type(value).__dataclass_params__.frozen for value in shapes)


def test_configuration_is_left_as_it_was():
    """StackStorm shares one configuration among the actions of a process."""
    config = example()
    before = copy.deepcopy(config)

    load(config)

    assert config == before


def test_no_configuration_at_all_names_the_url():
    """An installation without a configuration file fails with one clear sentence."""
    for nothing in (None, {}):
        with pytest.raises(ConfigError) as caught:
            load(nothing)
        assert [p.split(" ")[0] for p in caught.value.problems] == ["url"]


def test_tracker_that_stands_in_the_way_of_itself():
    """Two settings that contradict each other are told by one of them."""
    tracker = {"ca_bundle": "/ca.pem", "verify_tls": False}

    with pytest.raises(ConfigError) as caught:
        load({"url": URL, "tracker": tracker}, exists=lambda path: path == "/ca.pem")

    (problem,) = caught.value.problems
    assert problem.startswith("tracker.ca_bundle is given while verify_tls is false")


def test_what_commit_messages_name_tickets_by():
    """Patterns are read line by line and without regard to case."""
    tracker = given_config(tracker={"existing": [r"^closes-bug: *#?(\d+)"]}).tracker

    assert tracker.existing[0].findall("Fix\n\nCloses-Bug: #7\n") == ["7"]


def test_tracker_kinds_are_those_the_schema_offers():
    """The adapters and the schema's menu name the same trackers, and settings that exist."""
    properties = SCHEMA["tracker"]["properties"]

    assert list(KINDS) == properties["kind"]["enum"]
    for adapter in ADAPTERS.values():
        assert {*adapter.needs, *adapter.forms} <= set(properties)


def test_votes_are_read_with_their_sign():
    """A vote is a label and a signed value."""
    policy = given_config(
        approval=["Workflow+1", "Code-Review+2"], hold=["API-Review-1", "Hold+1"]
    ).policy

    assert policy.approval == (Vote("Workflow", 1), Vote("Code-Review", 2))
    assert policy.hold == (Vote("API-Review", -1), Vote("Hold", 1))


def test_empty_lists_are_a_choice():
    """Nobody holds, no pattern of robots: allowed, where an empty approval is not."""
    keys = ("hold", "automation", "advisers", "agents", "gate_failures", "review_labels", "noise")

    policy = given_config(**{key: [] for key in keys}).policy

    assert {key: getattr(policy, key) for key in keys} == dict.fromkeys(keys, ())


def test_labels_whose_votes_are_a_review():
    """A review label is a name without a value; blanks around it do not count."""
    policy = given_config(review_labels=["Code-Review", " API-Review "]).policy

    assert policy.review_labels == ("Code-Review", "API-Review")


@pytest.mark.parametrize("told", ["", "none", "/var/cache/st2-gerrit"])
def test_sensor_cache(told: str) -> None:
    """A folder, none, or that of temporary files."""
    assert load({"url": "https://gerrit.example.org", "sensor_cache": told}).sensor_cache == told


def test_sensor_cache_that_depends_on_where_the_sensor_starts() -> None:
    """A relative path would be another folder for each way to start it."""
    with pytest.raises(ConfigError, match=r"sensor_cache is 'cache': write an absolute path"):
        load({"url": "https://gerrit.example.org", "sensor_cache": "cache"})
