"""Profiles: each is read whole, says nothing of people, and judges its community's changes."""

from __future__ import annotations

import itertools
import logging
import re
from dataclasses import fields, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, List

import pytest
import yaml
from sandbox import settings_page
from sandbox.standin.pack import resolve_config
from sandbox.standin.standin import StandIn

from communities import COMMUNITIES, OWNER, REVIEWER, SECOND, THIRD, ChangeInfo, Community, Says
from repository import ROOT
from reviewloop.cli.config import read_settings
from reviewloop.core.change import Account
from reviewloop.core.policy import Policy, patterns
from reviewloop.core.turns import Party
from reviewloop.errors import ConfigError
from reviewloop.settings.communities import PROFILES
from reviewloop.settings.load import Settings, load
from reviewloop.settings.profile import DEFAULTS, KEYS

URL = "https://review.example.org"
SCHEMA = yaml.safe_load((ROOT / "config.schema.yaml").read_text(encoding="utf-8"))
NAMES = sorted(set(PROFILES) - {DEFAULTS.name})
REVIEWERS_SINCE_MONDAY = ("reviewers", "uploaded", "mon 9:00", None)


def of(name: str, **keys: Any) -> Settings:
    """The settings of a configuration with this profile, and with these keys."""
    return load({"url": URL, "profile": name, **keys})


# --- how a profile is taken -------------------------------------------------------------------


def test_the_schema_offers_the_profiles_that_there_are():
    """The menu of ``st2 pack config`` and the library name the same communities."""
    assert SCHEMA["profile"]["enum"] == list(PROFILES)
    assert SCHEMA["profile"]["default"] == DEFAULTS.name
    assert settings_page.BY_PROFILE == KEYS


def test_without_a_profile_the_pack_has_its_defaults():
    """``none``, nothing and null are the same."""
    plain = load({"url": URL})

    assert plain.profile == "none"
    assert repr(of("none")) == repr(of("")) == repr(load({"url": URL, "profile": None}))
    assert repr(of("none")) == repr(plain)


def test_an_unknown_profile_is_named_together_with_the_known_ones():
    """Whoever misspells one sees the list."""
    with pytest.raises(ConfigError) as caught:
        of("openstack")

    (problem,) = caught.value.problems
    assert problem.startswith("profile is 'openstack': write one of none, android, chromium,")
    assert all(name in problem for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_stackstorms_defaults_do_not_win_over_a_profile(name: str):
    """StackStorm fills in the schema's defaults before the pack sees the configuration."""
    handed_over = resolve_config(SCHEMA, {"url": URL, "profile": name}, {})

    assert repr(load(handed_over).policy) == repr(of(name).policy)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", NAMES)
def test_a_key_that_is_given_replaces_the_profiles_whole_value(name: str, key: str):
    """Nothing of the profile's list is left, and nothing else changes; an empty list counts."""
    given: Dict[str, List[str]] = {
        "approval": ["Merge-Ready+1"],
        "hold": [],
        "review_labels": ["Design-Review"],
    }
    value = given.get(key, ["^only-this$"])

    settings = of(name, **{key: value})

    expected = replace(of(name).policy, **{key: getattr(of("none", **{key: value}).policy, key)})
    assert repr(settings.policy) == repr(expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_says_nothing_of_people_hours_and_trackers(name: str):
    """Beyond the policy of its keys, a configuration with it is like one without."""
    mine, plain = of(name), of("none")
    policies = {one.name for one in fields(Policy)} - set(KEYS)

    assert {one: getattr(mine.policy, one) for one in policies} == {
        one: getattr(plain.policy, one) for one in policies
    }
    assert repr(replace(mine, policy=plain.policy, profile="none")) == repr(plain)


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_gives_its_reasons_and_sources(name: str):
    """A value that is not the pack's default has a reason, and a public page stands behind it."""
    profile = PROFILES[name]

    assert tuple(key for key in KEYS if key in profile.why) == profile.own()
    assert set(profile.why) <= set(KEYS)
    assert profile.sources
    assert all(re.fullmatch(r"https://\S+", source) for source in profile.sources)
    assert re.fullmatch(r"https://[a-z.-]+\.example\.org(/r)?", profile.server)


# --- the examples -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_example_works_as_it_is_copied(name: str, tmp_path: Path, capsys: Any):
    """It loads, with the profile, from StackStorm and on the command line, which says so."""
    path = ROOT / "examples" / f"{name}.yaml"
    handed_over = resolve_config(SCHEMA, yaml.safe_load(path.read_text(encoding="utf-8")), {})

    settings = read_settings(path)

    assert settings.profile == name
    assert capsys.readouterr().err == f"profile: {name}\n"
    assert repr(load(handed_over)) == repr(settings)
    assert repr(settings.policy) == repr(of(name).policy)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_shows_what_the_profile_sets(name: str):
    """With the marks before its keys removed, and without the profile, it says the same."""
    text = (ROOT / "examples" / f"{name}.yaml").read_text(encoding="utf-8")
    shown = yaml.safe_load(re.sub(r"^#(?=\w|  - )", "", text, flags=re.MULTILINE))

    assert shown.pop("profile") == name
    assert set(shown) == {"url", *KEYS}
    assert repr(load(shown).policy) == repr(of(name).policy)


def test_the_sensors_log_says_which_profile_is_in_use(caplog: pytest.LogCaptureFixture):
    """Whoever wonders at a verdict finds the base of the configuration in the log."""
    caplog.set_level(logging.INFO)
    monday = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    config = yaml.safe_load((ROOT / "examples" / "qt.yaml").read_text(encoding="utf-8"))

    StandIn(ROOT, config, {}, clock=lambda: monday).start_sensor()

    assert "profile: qt" in caplog.messages


# --- whom the patterns mean -------------------------------------------------------------------

FIRST = ("Ci", "Jan", "Barry", "Zoe", "Rob", "Quentin", "Lin", "Ai", "Claude", "Gemini", "Jenkins")
LAST = ("Jenkins", "Bot", "Botha", "Talbot", "Ci", "Gobot", "Robotti", "Zuul", "Qt", "Hudson",
        "Lucido", "Genie", "Weblate-Smith", "Builder")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_persons_name_is_a_bots(name: str):
    """People are called Jenkins, Bot and Ci; upper case and the whole name tell a bot."""
    policy = replace(of(name).policy, advisers=())
    found = [
        account
        for number, (first, last) in enumerate(itertools.product(FIRST, LAST))
        for account in (
            Account(number, f"{first} {last}", f"{first}.{last}@example.org".lower()),
            Account(number, f"{first} {last}", username=f"{first[0]}{last}".lower()),
        )
        if policy.is_automation(account)
    ]

    assert found == []


@pytest.mark.parametrize("name", NAMES)
def test_a_profiles_patterns_take_no_time_over_a_long_text(name: str):
    """None of them tries the same characters in more than one way."""
    profile = PROFILES[name]
    listed = patterns(*profile.automation, *profile.noise, *profile.gate_failures)
    for start in ("", "qt_", "csit-a ", "run X", "check-", "a@", "jenkins-"):
        for filling in ("a", "-", " ", "a-", " a", "@a", "CI "):
            text = start + filling * 20_000 + "!"
            assert not [one for one in listed if one.search(text)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "line",
    [
        "Check the second hunk.", "run this in CI", "recheck-style commands are odd: why?",
        "Try it without the lock", "csit is what it is", "hardware test passed on my board",
        "This commit was fine.", "Copy-logs should be a flag", "run it on my machine and see",
    ],
)  # fmt: skip
def test_sentences_are_read_in_every_community(name: str, line: str):
    """A reviewer's words give the turn to the owner."""
    history = ChangeInfo().upload("mon 9:00").by("mon 10:00", REVIEWER, words=line)

    expected = Party.REVIEWERS if line.startswith("recheck") else Party.OWNER
    assert history.read(of(name)).state.turn is expected


# --- how changes are judged -------------------------------------------------------------------


def test_every_profile_has_a_community():
    """The histories below are of every profile that there is."""
    assert sorted(one.profile for one in COMMUNITIES) == NAMES


def _tested(one: Community, history: ChangeInfo) -> ChangeInfo:
    """The bots of the community say on Monday what they say of a good change."""
    for minute, says in enumerate(one.quiet, start=5):
        history.bot(f"mon 9:{minute:02}", says)
    return history


each = pytest.mark.parametrize("one", COMMUNITIES, ids=lambda one: one.profile)


@each
def test_what_bots_say_is_no_review(one: Community):
    """A build that starts and one that succeeds leave the reviewers' wait as it is."""
    history = _tested(one, ChangeInfo().upload("mon 9:00"))

    reading = history.read(one.settings())

    assert history.waits(one.settings()) == [REVIEWERS_SINCE_MONDAY]
    assert reading.state.human_reviews == 0


@pytest.mark.parametrize(
    ("one", "says"),
    [(one, says) for one in COMMUNITIES for says in one.fails],
    ids=lambda value: value.profile if isinstance(value, Community) else value.votes or "words",
)
def test_a_bot_that_fails_a_change_makes_it_red(one: Community, says: Says):
    """The owner owes the next move from then on; the turn stays with the reviewers."""
    history = _tested(one, ChangeInfo().upload("mon 9:00")).bot("tue 9:00", says)

    assert history.waits(one.settings()) == [
        REVIEWERS_SINCE_MONDAY,
        ("owner", "ci_failed", "tue 9:00", None),
    ]
    assert history.read(one.settings()).state.turn is Party.REVIEWERS


@pytest.mark.parametrize(
    ("one", "says"),
    [(one, says) for one in COMMUNITIES for says in one.fails],
    ids=lambda value: value.profile if isinstance(value, Community) else value.votes or "words",
)
def test_a_new_patch_set_ends_the_red(one: Community, says: Says):
    """It is answered by what the owner uploads."""
    history = ChangeInfo().upload("mon 9:00").bot("tue 9:00", says).upload("wed 9:00")

    assert history.waits(one.settings()) == [
        REVIEWERS_SINCE_MONDAY,
        ("owner", "ci_failed", "tue 9:00", "wed 9:00"),
    ]


@each
def test_the_approval_gives_the_turn_to_the_submitter(one: Community):
    """Once the tests have passed and people have cast the community's votes."""
    history = _tested(one, ChangeInfo().upload("mon 9:00"))
    before = history.read(one.settings()).state.turn
    for hour, (who, votes) in enumerate(zip((REVIEWER, SECOND), one.approves), start=10):
        history.by(f"tue {hour}:00", who, votes)

    assert before is Party.REVIEWERS
    assert history.read(one.settings()).state.turn is Party.SUBMITTER


@each
def test_a_lesser_vote_is_no_approval(one: Community):
    """One step below the last approving vote, the change needs another review."""
    least = one.approves[-1].split()[-1]
    lesser = {"Code-Review+1": "", "Workflow+1": "Code-Review+2"}.get(least, "Code-Review+1")
    history = _tested(one, ChangeInfo().upload("mon 9:00"))
    history.by("tue 10:00", REVIEWER, lesser, "" if lesser else "Almost.")

    assert history.read(one.settings()).state.turn is not Party.SUBMITTER


@each
def test_a_hold_keeps_the_turn_with_the_owner(one: Community):
    """Whatever others say after it, and an approval too."""
    who, vote = one.holds
    history = _tested(one, ChangeInfo().upload("mon 9:00")).by("tue 9:00", who, vote)
    history.by("wed 9:00", SECOND, "Code-Review+1", "Looks good.")
    for hour, votes in enumerate(one.approves, start=9):
        history.by(f"thu {hour}:00", THIRD, votes)

    assert history.read(one.settings()).state.turn is Party.OWNER
    waits = history.waits(one.settings())
    assert [(party, end) for party, _, _, end in waits[1:]] == [("owner", None)]
    assert waits[1][2] == "tue 9:00", "the owner has the turn at once"


@each
def test_what_people_write_to_bots_says_nothing(one: Community):
    """Neither a reviewer's command nor the owner's moves the turn."""
    for words in one.noise:
        history = ChangeInfo().upload("mon 9:00").by("mon 10:00", REVIEWER, words=words)
        assert history.waits(one.settings()) == [REVIEWERS_SINCE_MONDAY], words

        history.by("tue 9:00", REVIEWER, words="Why a list?").by("tue 10:00", OWNER, words=words)
        assert history.read(one.settings()).state.turn is Party.OWNER, words


@each
def test_votes_of_people_that_are_no_review(one: Community):
    """Whoever starts a test, or lets a robot submit, has not reviewed."""
    for vote in one.no_reviews:
        history = ChangeInfo().upload("mon 9:00").by("tue 9:00", REVIEWER, vote)

        assert history.waits(one.settings()) == [REVIEWERS_SINCE_MONDAY], vote


@each
def test_an_adviser_moves_nothing(one: Community):
    """A language model's review, by its name, changes no wait in any community."""
    history = ChangeInfo().upload("mon 9:00")
    advice = Says("Code Review AI", "Code-Review-1", "Consider a list.", "", "ai-review-bot")

    assert history.bot("tue 9:00", advice).waits(one.settings()) == [REVIEWERS_SINCE_MONDAY]


# --- customs of single communities ------------------------------------------------------------


@pytest.mark.parametrize("name", ["eclipse", "linux-foundation"])
def test_an_unstable_build_is_lifted_by_the_next_good_one(name: str):
    """Jenkins takes ``Code-Review-1`` back by voting ``Verified+1`` only."""
    (one,) = (one for one in COMMUNITIES if one.profile == name)
    unstable = replace(one.quiet[-1], votes="Code-Review-1", words="Build Unstable")
    history = ChangeInfo().upload("mon 9:00").bot("tue 9:00", unstable)

    history.bot("wed 9:00", one.quiet[-1])

    assert history.waits(one.settings())[-1] == ("owner", "ci_failed", "tue 9:00", "wed 9:00")


@pytest.mark.parametrize(
    ("status", "turn"), [("STAGED", Party.NOBODY), ("INTEGRATING", Party.NOBODY)]
)
def test_qts_ci_has_the_change_while_it_is_staged(status: str, turn: Party):
    """An approved change that is staged is nobody's to move."""
    history = ChangeInfo(status=status).upload("mon 9:00").by("tue 9:00", REVIEWER, "Code-Review+2")

    assert history.read(of("qt")).state.turn is turn


def test_sanity_bots_minus_two_holds_nothing():
    """A robot's vote is red, and a later approval counts once the robot has recovered."""
    bot = Says("Qt Sanity Bot", "Code-Review-2 Sanity-Review+1", "A WIP", "", "qt_sanity_bot")
    history = ChangeInfo().upload("mon 9:00").bot("mon 9:05", bot).upload("tue 9:00")
    history.bot("tue 9:05", replace(bot, votes="Sanity-Review+1", words=""))

    history.by("wed 9:00", REVIEWER, "Code-Review+2")

    assert history.read(of("qt")).state.turn is Party.SUBMITTER


def test_changes_from_pull_requests_have_no_owner_to_ask():
    """GerritBot owns them: where a reviewer's words would give it the turn, reviewers keep it."""
    gerritbot = {"_account_id": 900, "name": "Gerrit Bot", "email": "gerritbot@example.org"}
    history = ChangeInfo(owner=gerritbot).upload("mon 9:00").by("tue 9:00", REVIEWER, words="Why?")

    assert history.read(of("go")).state.turn is Party.REVIEWERS
