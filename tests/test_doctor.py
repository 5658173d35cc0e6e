"""A check-up names the cause of what is wrong, and says how to mend it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional
from unittest import mock

import pytest
from sandbox.gerrit.fake import FakeGerrit
from sandbox.standin.values import problems

import test_pack_contract as contract
from assessing import SERVER, Board
from fake_st2_checkup import TOKEN, URL, FakeCheckedSt2, long_ago, on_milestones, rule
from repository import ROOT
from reviewloop.cli import doctor as command
from reviewloop.cli.main import main
from reviewloop.errors import AuthError
from reviewloop.insight.eta import Kind
from reviewloop.insight.usual import Time, Usual
from reviewloop.operations import doctor
from reviewloop.operations.context import Context
from reviewloop.operations.stackstorm import Place, StackStorm
from reviewloop.settings.server import sensor_key
from reviewloop.store.cursor import Cursor, DatastoreCursor
from reviewloop.trackers.shortfalls import Shortfall
from test_pack_contract import actions

LEVELS = ["problem", "warning", "unknown", "note", "ok"]


class Practice(Board):
    """A committee's server on Wednesday, its sensor up to date, and nothing wrong with it."""

    def __init__(self, **config: Any) -> None:
        super().__init__(automation=["^ci$"], **config)
        self.ci = self.fake.add_account("ci", service_user=True)
        self.local_ahead = timedelta(0)
        self.fake.review(self.number, self.ci, "", {"Verified": 1})
        self.tracker: Any = None
        self.st2: Optional[FakeCheckedSt2] = FakeCheckedSt2()
        self.polled(0)

    def polled(self, minutes_ago: float) -> None:
        """The sensor's last poll."""
        through = self.fake.now - timedelta(minutes=minutes_ago)
        kept_as = sensor_key(SERVER, str(self.config.get("sensor_id", "")))
        DatastoreCursor(self.shelf.service, kept_as).save(Cursor(through))

    def look(self) -> List[Dict[str, str]]:
        """The action ``doctor``; its answer is what it promises."""
        self.shelf.now = self.fake.now
        context = Context(
            self.config, self.shelf.service, tracker_of=lambda _settings: self.tracker
        )
        username = str(self.config["username"])
        context.__dict__["client"] = self.fake.client(
            username, local_clock=lambda: self.fake.now + self.local_ahead
        )
        with mock.patch.object(doctor, "around", return_value=self.stackstorm()):
            found = doctor.doctor(context)
        assert problems(found, actions()["doctor"]["output_schema"]) == ""
        levels = [one["level"] for one in found["findings"]]
        assert levels == sorted(levels, key=LEVELS.index)
        assert found["ok"] is ("problem" not in levels)
        assert (found["problems"], found["warnings"]) == (
            levels.count("problem"),
            levels.count("warning"),
        )
        return [one for one in found["findings"] if one["level"] != "ok"]

    def stackstorm(self) -> Optional[StackStorm]:
        """StackStorm as the action reaches it."""
        if self.st2 is None:
            return None
        return StackStorm(Place(f"{URL}/v1", (("X-Auth-Token", TOKEN),)), self.st2)


def test_all_is_well() -> None:
    """Nothing is found where nothing is wrong."""
    assert Practice().look() == []


def test_usual_times_of_late() -> None:
    """Nor where the usual times are to be named, and are known."""
    practice = Practice()
    usual(days=13)(practice)

    assert practice.look() == []


def fake(change: Callable[[FakeGerrit], None]) -> Callable[[Practice], None]:
    """Something done to the server."""
    return lambda practice: change(practice.fake)


def having(**attributes: Any) -> Callable[[Practice], None]:
    """Something set at the server."""
    return lambda practice: [setattr(practice.fake, k, v) for k, v in attributes.items()] and None


def both(*changes: Callable[[Practice], None]) -> Callable[[Practice], None]:
    """Several things at once."""
    return lambda practice: [change(practice) for change in changes] and None


def configured(**config: Any) -> Callable[[Practice], None]:
    """Something written in the configuration."""
    return lambda practice: practice.config.update(config)


def members(*entries: Dict[str, Any]) -> Callable[[Practice], None]:
    """Another roster."""
    return configured(roster={"members": list(entries)})


def person(practice: Practice) -> None:
    del practice.fake.accounts[practice.fake.me]["tags"]


def inactive(practice: Practice) -> None:
    practice.fake.accounts[practice.ids[0]]["inactive"] = True


def away(practice: Practice) -> None:
    for number in list(practice.fake.changes):
        del practice.fake.changes[number]


def private(practice: Practice) -> None:
    practice.fake.add_change(private=True)


def forgotten(practice: Practice) -> None:
    for name in practice.shelf.names():
        practice.shelf.store.drop(name)


def unmarked(practice: Practice) -> None:
    bot = practice.fake.add_account("builder")
    for _ in range(6):
        number = practice.change(at=practice.fake.now)
        for _ in range(4):
            practice.fake.review(number, bot, f"Build {number} finished: http://ci/{number}")
            practice.fake.advance(minutes=1)
            practice.fake.upload(number)
        practice.fake.review(number, bot, f"Build {number} finished: http://ci/{number}")
    practice.polled(0)


def with_st2(change: Callable[[FakeCheckedSt2], Any]) -> Callable[[Practice], None]:
    """Something done to StackStorm."""
    return lambda practice: change(practice.st2) and None


def st2_having(**attributes: Any) -> Callable[[Practice], None]:
    """Something set in StackStorm."""
    return lambda practice: [setattr(practice.st2, k, v) for k, v in attributes.items()] and None


def ran(action: str, status: str, **ago: float) -> Callable[[Practice], None]:
    """An execution so long ago."""

    def change(practice: Practice) -> None:
        assert practice.st2 is not None
        practice.st2.ran(action, status, long_ago(practice.fake.now, **ago))

    return change


def without_rule(name: str) -> Callable[[Practice], None]:
    """A rule that is switched off."""

    def change(st2: FakeCheckedSt2) -> None:
        for one in st2.rules:
            one["enabled"] = one["enabled"] and one["ref"] != name

    return with_st2(change)


def with_rule(name: str, action: str, **more: Any) -> Callable[[Practice], None]:
    """One more rule on what waits."""
    return with_st2(
        lambda st2: st2.rules.append(rule(name, "gerrit.change_waiting", action, **more))
    )


def token_ends(practice: Practice) -> None:
    practice.fake.version = "3.13.1"
    practice.fake.tokens = {
        "old": practice.fake.now - timedelta(days=1),
        "loop": practice.fake.now + timedelta(days=5),
        "spare": None,
    }


def untold_tokens(practice: Practice) -> None:
    token_ends(practice)
    practice.fake.fail(403, match="tokens")


def blind(practice: Practice) -> None:
    practice.fake.blind.add(practice.ids[1])


def lagging(practice: Practice) -> None:
    practice.fake.index_behind[practice.number] = timedelta(minutes=20)
    practice.fake.advance(minutes=5)
    practice.polled(0)


class Answering:
    """A tracker that answers, as far as a check-up asks it."""

    name = "forge:example.org"
    kind = "github"

    def __init__(self, *shortfalls: Shortfall, knows: Optional[bool] = True) -> None:
        self._shortfalls, self._knows = shortfalls, knows

    def whoami(self) -> str:
        """Our account."""
        return "review-bot"

    def list_open(self) -> List[Any]:
        """No tickets."""
        return []

    def shortfalls(self) -> Any:
        """What was given."""
        return self._shortfalls

    def assignable(self, _who: str) -> Optional[bool]:
        """What was given."""
        return self._knows


def with_tracker(tracker: Answering, login: str = "committee-one") -> Callable[[Practice], None]:
    """A tracker, and one person with a login there."""

    def change(practice: Practice) -> None:
        practice.tracker = tracker
        practice.config["tracker"] = {"kind": "github", "project": "example/reviews", "token": "t"}
        member = {"gerrit": "committee1", "tracker": {"github": login} if login else {}}
        practice.config["roster"] = {"members": [member]}

    return change


class Refusing:
    """A tracker whose credential is wrong."""

    name = "forge:example.org"

    def whoami(self) -> str:
        """Refused, as every call."""
        raise AuthError("The forge answers 401: the credential is wrong.", "Renew it.")


def broken_tracker(practice: Practice) -> None:
    practice.tracker = Refusing()


def usual(text: str = "", **made_ago: float) -> Callable[[Practice], None]:
    """Texts that are to name the usual time, and what is stored of it."""

    def change(practice: Practice) -> None:
        practice.config["usual_wait"] = True
        made = practice.fake.now - timedelta(**made_ago)
        groups = {(Kind.FIRST, "tools/build", ""): Time(60, 3_600)}
        kept = text or Usual(made, 86_400, groups).to_json()
        if text or made_ago:
            practice.shelf.store.put(f"gerrit.usual.{SERVER}", kept)

    return change


BROKEN = {
    "the server is down": (fake(lambda fake: fake.refuse(99)), "gerrit", "problem", "connection"),
    "the password is wrong": (having(accepts_password=False), "gerrit", "problem", "401"),
    "an old server": (having(version="3.1.4"), "gerrit", "problem", "3.1.4"),
    "no Date": (having(sends_date=False), "clock", "warning", "Date"),
    "clocks ten minutes apart": (
        having(date_ahead=timedelta(minutes=10)),
        "clock",
        "warning",
        "600 s",
    ),
    "clocks a day apart": (having(date_ahead=timedelta(days=-1)), "clock", "problem", "86400 s"),
    "nobody's account": (configured(username="", password=""), "account", "problem", "anonymously"),
    "a person's account": (person, "account: bot", "warning", "Service Users"),
    "an administrator": (having(administers=True), "account: administrator", "warning", "admin"),
    "few rows": (having(query_limit=20), "account: queryLimit", "warning", "20 rows"),
    "no search at all": (having(query_limit=0), "account", "problem", "may not search"),
    "a search that finds nothing": (
        configured(query="project:nowhere"),
        "query",
        "warning",
        "nowhere",
    ),
    "nothing to see": (away, "query", "warning", "No change"),
    "an approval that no project has": (
        configured(approval=["Approved+1"]),
        "labels: approval Approved",
        "problem",
        "None",
    ),
    "a hold that no project has": (
        configured(hold=["Do-Not-Merge-1"]),
        "labels: hold Do-Not-Merge",
        "note",
        "None",
    ),
    "a review label that no project has": (
        configured(review_labels=["Quality"]),
        "labels: review_labels Quality",
        "note",
        "None",
    ),
    "a bot that is not named": (unmarked, "bots: builder", "warning", "looks like a bot"),
    "a name that no bot has": (
        configured(automation=["^ci$", "^jenkins$"]),
        "bots: automation",
        "note",
        "jenkins",
    ),
    "private changes": (private, "permissions: private changes", "note", "private"),
    "no hashtags": (
        having(may_edit_hashtags=False),
        "permissions: hashtags",
        "warning",
        "hashtags",
    ),
    "permissions unseen": (having(views_access=False), "permissions: hashtags", "unknown", "tell"),
    "a member who is nobody": (
        members({"gerrit": "committee1"}, {"gerrit": "commitee2"}),
        "roster",
        "problem",
        "commitee2",
    ),
    "a member twice": (
        members({"gerrit": "committee1"}, {"email": "committee1@example.org"}),
        "roster",
        "problem",
        "same account",
    ),
    "a member who left": (inactive, "roster", "problem", "inactive"),
    "an empty roster": (members(), "roster", "warning", "Nobody"),
    "a roster of bots": (members({"gerrit": "ci"}), "roster", "problem", "Nobody"),
    "a group that is not there": (
        configured(roster={"kind": "gerrit_group", "group": "tech-committee"}),
        "roster",
        "problem",
        "tech-committee",
    ),
    "http": (
        configured(url="http://gerrit.example.org"),
        "configuration: url",
        "warning",
        "http",
    ),
    "a tracker that refuses": (broken_tracker, "tracker", "problem", "credential"),
    "a sensor that never ran": (
        lambda practice: (
            [practice.shelf.store.drop(name) for name in practice.shelf.names()] and None
        ),
        "sensor",
        "warning",
        "never",
    ),
    "a sensor that died": (lambda practice: practice.polled(90), "sensor", "problem", "last poll"),
    "another sensor of one's own": (
        configured(sensor_id="docs"),
        "sensor",
        "warning",
        "never",
    ),
    "no usual times": (usual(), "usual_wait", "warning", "no usual times are stored"),
    "usual times of long ago": (usual(days=15), "usual_wait", "warning", "more than 14 days ago"),
    "usual times damaged": (usual("{broken"), "usual_wait", "warning", "cannot be read"),
    "usual times of other hours": (
        both(usual(days=1), configured(calendar={"hours": "09:00-17:00"})),
        "usual_wait",
        "warning",
        "other hours",
    ),
    "a token that ends": (token_ends, "account: token", "warning", "loop ends at"),
    "tokens untold": (untold_tokens, "account: token", "unknown", "403"),
    "tokens of another form": (
        both(token_ends, having(tokens={"loop": "in a while"})),
        "account: token",
        "unknown",
        "expiration",
    ),
    "a CI on Gerrit's pages": (having(plugins=["zuul-status"]), "bots: checks", "note", "zuul"),
    "an index behind": (lagging, "gerrit: index", "warning", "shows it as of"),
    "a member without sight": (blind, "roster: sight", "problem", "committee2 may not read"),
    "sight unseen": (having(views_access=False), "roster: sight", "unknown", "may read"),
    "a vote that is not ours": (
        with_rule(
            "ops.vote",
            "gerrit.post_review",
            parameters={"labels": {"Code-Review": -2}},
        ),
        "permissions: Code-Review",
        "problem",
        "Code-Review-2",
    ),
    "a login that is nobody's": (
        with_tracker(Answering(knows=False)),
        "roster: logins",
        "problem",
        "'committee-one'",
    ),
    "logins untold": (
        with_tracker(Answering(knows=None)),
        "roster: logins",
        "unknown",
        "does not tell",
    ),
    "no login at all": (
        with_tracker(Answering(), login=""),
        "roster: logins",
        "note",
        "no login in the tracker",
    ),
    "an archived repository": (
        with_tracker(Answering(Shortfall("It is archived.", "Unarchive it."))),
        "tracker: set-up",
        "problem",
        "archived",
    ),
    "a repository that is only read": (
        with_tracker(Answering(Shortfall("We may not write.", "Grant it.", sure=False))),
        "tracker: set-up",
        "warning",
        "may not write",
    ),
    "rights untold": (
        with_tracker(Answering(Shortfall("It does not tell.", "Try.", sure=None))),
        "tracker: set-up",
        "unknown",
        "does not tell",
    ),
    "no StackStorm": (
        lambda practice: setattr(practice, "st2", None),
        "stackstorm",
        "unknown",
        "were not looked at",
    ),
    "a StackStorm that shows nothing": (
        st2_having(forbidden=("/rules",)),
        "rules",
        "unknown",
        "refused (403)",
    ),
    "a sensor switched off": (st2_having(sensor=False), "sensor: switch", "problem", "off"),
    "a sensor not registered": (st2_having(sensor=None), "sensor: switch", "problem", "no sensor"),
    "no rule at all": (st2_having(rules=[]), "rules", "warning", "No rule acts"),
    "a rule without its twin": (
        without_rule("gerrit.escalate_overdue"),
        "rules: gerrit.escalate_overdue",
        "warning",
        "twin",
    ),
    "nobody hears of trouble": (
        without_rule("ops.trouble"),
        "rules: gerrit.poll_trouble",
        "note",
        "poll_trouble",
    ),
    "a rule on no milestone": (
        with_rule("ops.week", "gerrit.escalate", criteria=on_milestones("3d", "7d")),
        "rules: ops.week",
        "problem",
        "3d, 7d",
    ),
    "a rule on one milestone too many": (
        configured(milestones=["1d", "2d", "5d"]),
        "rules: gerrit.escalate_to_committee",
        "note",
        "10d",
    ),
    "a rule on an action that is not there": (
        with_rule("ops.mail", "email.send_email"),
        "rules: email.send_email",
        "problem",
        "ops.mail",
    ),
    "a rule on an action that is disabled": (
        with_st2(lambda st2: st2.actions.update({"gerrit.escalate": False})),
        "rules: gerrit.escalate",
        "problem",
        "disabled",
    ),
    "mail and chat": (
        with_rule("ops.chat", "chatops.post_message"),
        "rules: mail and chat",
        "unknown",
        "chatops.post_message",
    ),
    "a key that is not there": (
        st2_having(keys={}),
        "datastore: gerrit_password",
        "problem",
        "does not exist",
    ),
    "a key that is not encrypted": (
        st2_having(keys={"gerrit_password": False}),
        "datastore: gerrit_password",
        "problem",
        "not encrypted",
    ),
    "a secret in the file": (
        st2_having(config={"url": "https://gerrit.example.org", "password": "hunter2"}),
        "datastore: password",
        "warning",
        "stands in gerrit.yaml",
    ),
    "secrets masked": (
        st2_having(config={"url": "https://gerrit.example.org", "password": "********"}),
        "datastore",
        "unknown",
        "masks",
    ),
    "no configuration registered": (
        st2_having(config=None),
        "datastore",
        "problem",
        "no configuration",
    ),
    "a workflow that hangs": (
        ran("gerrit.escalate", "running", hours=5),
        "executions: dead",
        "warning",
        "gerrit.escalate since",
    ),
    "actions that failed": (
        ran("gerrit.open_ticket", "failed", hours=2),
        "executions: failed",
        "warning",
        "gerrit.open_ticket 1",
    ),
    "actions that failed, while Gerrit's clock is days behind": (
        both(ran("gerrit.open_ticket", "failed", hours=2), having(date_ahead=timedelta(days=-3))),
        "executions: failed",
        "warning",
        "gerrit.open_ticket 1",
    ),
    "no coordination": (
        st2_having(services={"groups": ["api"]}),
        "coordination",
        "unknown",
        "does not show",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    """Each fault is named by its check, at its level, with what is wrong and how to mend it."""
    breaks, check, level, word = BROKEN[name]
    practice = Practice()
    breaks(practice)
    found = practice.look()

    assert (check, level) in [(one["check"], one["level"]) for one in found], found
    (one, *_) = [one for one in found if (one["check"], one["level"]) == (check, level)]
    assert word in one["what"]
    assert one["remedy"] or level == "note"


@pytest.mark.parametrize(
    "ends", [None, timedelta(days=15), timedelta(days=-1), "2200-01-01 00:00:00.000000000"]
)
def test_tokens_that_last(ends: Any) -> None:
    """Nothing is said of a token without an end, of one that ends later or has ended, or of one
    that outlives whoever could read of it.
    """
    practice = Practice()
    practice.fake.version = "3.13.1"
    at = practice.fake.now + ends if isinstance(ends, timedelta) else ends
    practice.fake.tokens = {"loop": at}

    assert practice.look() == []


def test_tracker_that_refuses_says_nothing_of_the_roster() -> None:
    """One cause is one finding: the people are not blamed for the tracker."""
    practice = Practice()
    with_tracker(Answering())(practice)
    broken_tracker(practice)

    assert [one["check"] for one in practice.look()] == ["tracker"]


def test_no_secret_is_repeated() -> None:
    """Whatever stands in a configuration in clear, no finding holds it."""
    practice = Practice()
    st2_having(config={"password": "hunter2", "tracker": {"token": "swordfish"}})(practice)
    found = practice.look()

    assert len([one for one in found if one["check"].startswith("datastore: ")]) == 2
    assert "hunter2" not in str(found)
    assert "swordfish" not in str(found)


def test_templates(tmp_path: Path) -> None:
    """Each template of the operator's is made into a text about an example."""
    (tmp_path / "ticket_open.markdown.j2").write_text("{{ nobody_knows }}", encoding="utf-8")
    found = Practice(templates=str(tmp_path)).look()

    assert [(one["check"], one["level"]) for one in found] == [("templates", "problem")]
    assert "nobody_knows" in found[0]["what"]


class Action:
    """The action as StackStorm makes it, with a configuration that is wrong."""

    def __init__(self, config: Dict[str, Any]) -> None:
        self.config = config
        self.action_service = None


def test_wrong_configuration_is_what_it_finds() -> None:
    """A configuration with two faults is no failure of the action: each is a finding, and the
    datastore's keys are looked at all the same.
    """
    st2 = FakeCheckedSt2()
    st2.keys.clear()
    at = Place(f"{URL}/v1", (("X-Auth-Token", TOKEN),))
    wrong = {"url": "https://gerrit.example.org", "milestones": ["2 days"], "username": "loop"}
    with mock.patch.object(doctor, "around", return_value=StackStorm(at, st2)):
        succeeded, told = doctor.of_action(Action(wrong), 200)
    found = told["findings"]

    assert (succeeded, told["ok"], told["problems"]) == (True, False, 3)
    assert {one["check"] for one in found} == {
        "configuration",
        "configuration: the rest",
        "datastore: gerrit_password",
    }
    assert any("write 2d" in one["what"] for one in found)
    assert any("st2 key set" in one["what"] for one in found)


@pytest.mark.parametrize(
    ("environ", "url", "headers"),
    [
        ({}, None, ()),
        (
            {"ST2_ACTION_API_URL": "http://a:9101/v1", "ST2_ACTION_AUTH_TOKEN": "t"},
            "http://a:9101/v1",
            (("X-Auth-Token", "t"),),
        ),
        ({"ST2_API_URL": "http://a:9101"}, "http://a:9101/v1", ()),
        (
            {"ST2_API_URL": "https://a/api/v1/", "ST2_API_KEY": "k", "ST2_AUTH_TOKEN": "t"},
            "https://a/api/v1",
            (("St2-Api-Key", "k"),),
        ),
    ],
)
def test_where_stackstorm_is(environ: Dict[str, str], url: Optional[str], headers: Any) -> None:
    """An action knows its StackStorm; outside, the client's own variables name it."""
    found = Place.around(environ)

    assert found == (None if url is None else Place(url, headers))


@pytest.mark.parametrize("as_json", [False, True])
def test_command(
    as_json: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    """The command prints what the action answers, but for the sensor, and its exit status says
    whether there is a problem.
    """
    practice = Practice(roster={"members": [{"gerrit": "nobody"}]})
    config = tmp_path / "gerrit.yaml"
    config.write_text(json.dumps(practice.config))
    client = practice.fake.client(local_clock=lambda: practice.fake.now)
    monkeypatch.setattr(command, "make_client", lambda _settings: client)
    monkeypatch.delenv("ST2_API_URL", raising=False)

    status = main(["doctor", "--config", str(config), *(["--json"] if as_json else [])])
    told = capsys.readouterr().out

    assert status == 1
    if as_json:
        assert json.loads(told)["problems"] == 2
    else:
        assert told.startswith("PROBLEM  ")
        assert told.endswith("\n2 problems, 0 warnings\n")
        assert "no StackStorm is named" in told


def test_command_on_a_wrong_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    """What is wrong in the file is what the command finds; its status is 1, not 2."""
    monkeypatch.delenv("ST2_API_URL", raising=False)
    config = tmp_path / "gerrit.yaml"
    config.write_text("url: https://gerrit.example.org\nmilestones: [2 days]\n")

    assert main(["doctor", "--config", str(config)]) == 1
    told = capsys.readouterr().out
    assert "write 2d" in told
    assert told.endswith("\n1 problem, 0 warnings\n")


def test_nothing_is_written() -> None:
    """A check-up only reads."""
    practice = Practice()
    before = practice.shelf.names()
    practice.look()

    assert {one.split(" ")[0] for one in practice.fake.seen} == {"GET"}
    assert [name for name in practice.shelf.names() if name not in before] == []


def test_what_it_costs() -> None:
    """Few requests, however many changes there are: one for each hundred of them."""
    practice = Practice()
    for minute in range(250):
        practice.change(at=practice.fake.now - timedelta(minutes=minute))
    practice.fake.seen.clear()
    practice.look()

    searches = [one for one in practice.fake.seen if "-age:30d" in one]
    # A page begins with the last row of the one before.
    assert len(searches) == 3
    assert len(practice.fake.seen) <= 20


def test_findings_name_what_there_is() -> None:
    """Settings are named as gerrit.yaml has them; `gerrit.x` is an action, a rule or a trigger."""
    library = ROOT / "actions" / "lib" / "reviewloop"
    sources = [library / "insight" / "findings.py", library / "operations" / "doctor.py"]
    sources += sorted((library / "operations").glob("check*.py"))
    schema = contract.read(ROOT / "config.schema.yaml")
    settings = {name for name, _ in settings_of(schema)}
    known = {f"gerrit.{name}" for name in (*contract.ACTIONS, *contract.files("rules"))}
    known |= set(contract.triggers()) | {"gerrit.yaml", "gerrit.GerritChangesSensor"}
    for path in sources:
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"(?<!`)`([a-z_]+(?:\.[a-z_]+)*)`(?!`)", text):
            assert name in settings | known | NOT_SETTINGS, (path.name, name)


#: What stands in backticks in findings and docstrings, and is no setting.
NOT_SETTINGS = {"nobody_to_ask", "projects", "url", "unknown", "ok"}


def settings_of(schema: Dict[str, Any], path: str = "") -> Any:
    """Every setting of the schema, with its dotted name."""
    for name, spec in schema.items():
        yield f"{path}{name}", spec
        yield from settings_of(spec.get("properties", {}), f"{path}{name}.")
