"""The README and the documents, tested like code: what they list exists, what they show is so."""

from __future__ import annotations

import ast
import itertools
import json
import re
import shlex
import textwrap
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Set, Tuple

import pytest
import yaml
from sandbox.standin.pack import check_criteria, matches
from sandbox.standin.values import live, of_parameters, validate

import test_pack_contract as contract
from repository import ROOT
from reviewloop.cli import main as cli
from reviewloop.core.commands import Verb
from reviewloop.core.keys import event_id
from reviewloop.core.reading import EXEMPT_HASHTAG
from reviewloop.core.turns import Cause, How
from reviewloop.escalation import people
from reviewloop.operations import usual
from reviewloop.settings.load import DEFAULT_MILESTONES, load
from reviewloop.store import asks, cursor, lease, pending, roster, troubles, whole
from reviewloop.store import tickets as records

README = ROOT / "README.md"
OPERATORS = ROOT / "docs" / "operators.md"
COOKBOOK = ROOT / "docs" / "cookbook.md"
TRACKERS = ROOT / "docs" / "trackers.md"
CONTRACT = ROOT / "tests" / "test_trackers_contract.py"
TURNS = ROOT / "docs" / "turns.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
GUIDES = ROOT / "docs" / "trackers"
MAP = ROOT / "docs" / "README.md"
DOCUMENTS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *DOCUMENTS]

# The pack's metadata, read once.
triggers = lru_cache(maxsize=None)(contract.triggers)
actions = lru_cache(maxsize=None)(contract.actions)

FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
# A bar with a backslash before it belongs to a cell's text.
_CELL_END = re.compile(r"(?<!\\)\|")
# Actions that come with StackStorm: contrib/core/actions/local.yaml and
# contrib/chatops/actions/post_message.yaml.
FOREIGN: Mapping[str, Mapping[str, Any]] = {
    "core.local": {"cmd": {"type": "string", "required": True}},
    "chatops.post_message": {
        "channel": {"type": "string", "required": True},
        "message": {"type": "string", "required": True},
        "user": {"type": "string"},
    },
}


# --- reading pages ----------------------------------------------------------------------------


class Block(NamedTuple):
    """A fenced block and the page it stands on."""

    page: Path
    language: str
    text: str

    @property
    def content(self) -> Dict[str, Any]:
        """A YAML block, parsed."""
        return parsed(self.text)

    @property
    def kind(self) -> str:
        """What a YAML block is, by the keys that only such a file has."""
        found = self.content
        for key, kind in (
            ("trigger", "rule"),
            ("tasks", "workflow"),
            ("runner_type", "action"),
            ("sensors", "overrides"),
            ("url", "config"),
            ("tracker", "config"),
            ("task", "task"),
        ):
            if key in found:
                return kind
        return "unknown"


@lru_cache(maxsize=None)
def parsed(text: str) -> Dict[str, Any]:
    """YAML as a mapping; nobody changes it."""
    content = yaml.safe_load(text)
    assert isinstance(content, dict)
    return content


@lru_cache(maxsize=None)
def text_of(page: Path) -> str:
    """A page's text."""
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """A page's text without its fenced blocks."""
    return FENCE.sub("", text_of(page))


@lru_cache(maxsize=None)
def blocks(language: str) -> Tuple[Block, ...]:
    """All fenced blocks of a language."""
    return tuple(
        Block(page, language, textwrap.dedent(body))
        for page in PAGES
        for _, found, body in FENCE.findall(text_of(page))
        if found == language
    )


def yaml_blocks(*kinds: str) -> List[Any]:
    """The YAML blocks of some kinds, as parameters of a test."""
    found = [block for block in blocks("yaml") if block.kind in kinds]
    return [
        pytest.param(block, id=f"{block.page.stem}-{block.content.get('name', n)}")
        for n, block in enumerate(found)
    ]


def section(page: Path, heading: str) -> str:
    """What stands below a heading, up to the next one of any level."""
    text = text_of(page)
    below = text.split(f"# {heading}\n", 1)[1]
    following = HEADING.search(below)
    return below[: following.start()] if following else below


def table(text: str) -> Dict[str, List[str]]:
    """The rows of the tables in a text by the code in their first cell: the other cells."""
    rows: Dict[str, List[str]] = {}
    for line in text.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in _CELL_END.split(line.strip("|"))]
        if line.startswith("| `"):
            for name in CODE.findall(cells[0]):
                assert name not in rows, f"{name} stands in the table twice"
                rows[name] = cells[1:]
    return rows


# --- the tables of the README -----------------------------------------------------------------


def test_readme_is_short():
    """README is read in one go: what you get, what it looks like, two commands, a quick start."""
    lines = text_of(README).splitlines()

    assert len(lines) < 200
    first_screen = "\n".join(lines[:26])
    for shown in ("docs/pictures/comment-and-ticket.svg", "make demo", "make test"):
        assert shown in first_screen


def test_quick_start_ends_with_a_look():
    """A configuration of eight lines, which works as copied, and then a command that shows it."""
    steps = section(README, "Quick start in StackStorm")
    (shown,) = [textwrap.dedent(body) for _, found, body in FENCE.findall(steps) if found == "yaml"]

    assert len(shown.splitlines()) == 8
    assert set(parsed(shown)) == {"url", "username", "password", "roster"}
    assert re.findall(r"^ +(st2 .*)$", steps, re.MULTILINE)[-1] == (
        "st2 run gerrit.explain number=4242"
    )


def test_every_rule_is_listed():
    """The table of rules holds what is shipped, with each rule's milestones and action."""
    shipped = table(section(README, "Switch it on"))
    files = contract.files("rules")
    assert set(shipped) == {f"gerrit.{name}" for name in files}
    for name, path in files.items():
        when, what = shipped[f"gerrit.{name}"]
        rule = contract.read(path)
        assert what == f"`{rule['action']['ref']}`"
        milestone = rule["criteria"].get("trigger.milestone")
        wanted = milestone["pattern"] if milestone else []
        for one in [wanted] if isinstance(wanted, str) else wanted:
            assert f"`{one}`" in when


def test_uninstalling_names_every_datastore_key():
    """The keys that stay behind are those the library writes or reads."""
    prefixes = {cursor.PREFIX, troubles.PREFIX, asks.PREFIX, people.AWAY, records.PREFIX}
    prefixes |= {roster.PREFIX, pending.PREFIX, lease.PREFIX, whole.PREFIX, usual.PREFIX}

    shown = table(section(OPERATORS, "Uninstalling"))
    assert set(shown) == {f"{prefix}*" for prefix in prefixes}
    for name, (_, *commands) in shown.items():
        assert all(name[:-1] in command for command in commands)


def test_commands_for_people_are_those_understood():
    """The tables of commands hold the verbs of the library, and the hashtag."""
    verbs = {f"/{verb.value}" for verb in Verb}
    readme = section(README, "What people can write on a change")
    for shown in (readme, section(TURNS, "Snooze, ack, pass")):
        assert {name.split()[0] for name in table(shown)} == verbs
    assert EXEMPT_HASHTAG in readme


# --- the other pages' tables ------------------------------------------------------------------


def test_explanation_is_explained():
    """Every field of ``gerrit.explain``, every reason and every verdict stands in its table."""
    fields = actions()["explain"]["output_schema"]["properties"]
    verdicts = actions()["assess"]["output_schema"]["properties"]["verdict"]["enum"]

    assert list(table(section(OPERATORS, "Reading gerrit.explain"))) == list(fields)
    assert set(table(section(OPERATORS, "Reasons why not"))) == reasons_not()
    assert list(table(section(OPERATORS, "Verdicts"))) == verdicts
    assert list(table(section(OPERATORS, "Conditions"))) == conditions_named()


def conditions_named() -> List[str]:
    """The conditions that ``gerrit.explain`` tells of, in their order, read from their source."""
    source = ROOT / "actions" / "lib" / "reviewloop" / "insight" / "conditions.py"
    return re.findall(r"Condition\(\s*\"(\w+)\"", source.read_text(encoding="utf-8"))


def reasons_not() -> Set[str]:
    """The reasons that ``gerrit.explain`` may give, read from its source."""
    source = ROOT / "actions" / "lib" / "reviewloop" / "operations" / "explanation.py"
    nodes = list(ast.walk(ast.parse(source.read_text(encoding="utf-8"))))
    (function,) = [
        node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == "reasons_not"
    ]
    pairs = [node for node in ast.walk(function) if isinstance(node, ast.Tuple)]
    return {
        pair.elts[0].value
        for pair in pairs
        if len(pair.elts) == 2 and isinstance(pair.elts[0], ast.Constant)
    }


def test_every_kind_of_trouble_has_a_remedy():
    """The table of troubles holds each kind that the trigger can name."""
    properties = triggers()["gerrit.poll_trouble"]["payload_schema"]["properties"]

    shown = table(section(OPERATORS, "Trouble: gerrit.poll_trouble"))
    assert set(shown) == set(properties["kind"]["enum"])


def test_turns_are_told_with_every_cause_and_every_ending():
    """Whoever gets a trigger finds its cause or ending on the page about turns."""
    named = set(CODE.findall(prose(TURNS)))

    assert {cause.value for cause in Cause} <= named
    assert set(table(section(TURNS, "Waits"))) == {how.value for how in How}


def test_every_module_named_is_there():
    """The architecture names files of the library as they are."""
    library = ROOT / "actions" / "lib" / "reviewloop"
    named = [name for name in CODE.findall(prose(ARCHITECTURE)) if name.endswith(".py")]

    assert len(named) > 10
    assert not [n for n in named if not (library / n).is_file() and "*" not in n]


# --- names, links, commands -------------------------------------------------------------------


def test_every_reference_of_the_pack_exists():
    """``gerrit.something`` is an action, a rule, a trigger, the sensor, or a stored value."""
    known = {f"gerrit.{name}" for name in (*contract.ACTIONS, *contract.files("rules"))}
    known |= set(triggers())
    known |= {"gerrit.GerritChangesSensor", "gerrit.yaml", "gerrit.yaml.example"}
    stored = (
        cursor.PREFIX,
        asks.PREFIX,
        pending.PREFIX,
        lease.PREFIX,
        people.AWAY,
        troubles.PREFIX,
        whole.PREFIX,
        records.PREFIX,
        roster.PREFIX,
        usual.PREFIX,
    )
    for page in PAGES:
        for name in re.findall(r"(?<![\w./-])gerrit\.[\w.]+", text_of(page)):
            assert name.rstrip(".") in known or name.startswith(stored), (page.name, name)


def test_every_link_leads_somewhere():
    """Files that are linked to exist, and so do the headings."""
    for page in [*PAGES, *(ROOT / "sandbox").rglob("README.md")]:
        # Code binds closer than a link: a pattern such as `[ab](c)` is none.
        for target in re.findall(r"\]\(([^)\s]+)\)", CODE.sub("", prose(page))):
            if re.match(r"https?://", target):
                continue
            path, _, anchor = target.partition("#")
            linked = (page.parent / path).resolve() if path else page
            assert linked.exists(), (page.name, target)
            if anchor:
                assert anchor in anchors(linked), (page.name, target)


def anchors(page: Path) -> Set[str]:
    """The headings of a page as GitHub makes anchors of them."""
    found = HEADING.findall(prose(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_every_make_target_exists():
    """``make X`` does something, for every X that is named."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"(?:^|`)make ([a-z]+)", text_of(page), re.MULTILINE)
    }

    assert {"demo", "test", "check"} <= named <= targets


CONSOLES = [
    (command, output)
    for block in blocks("console")
    for command, output in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE)
]


@pytest.mark.parametrize(("command", "output"), CONSOLES)
def test_shown_output_is_what_the_command_prints(
    command: str, output: str, capsys: Any, monkeypatch: Any
):
    """The worked example's command prints what the page shows."""
    program, *arguments = shlex.split(command)
    assert program == ".venv/bin/reviewloop"
    monkeypatch.chdir(ROOT)

    assert cli.main(arguments) == 0
    assert capsys.readouterr().out == output


def st2_runs() -> Iterator[Tuple[str, List[str]]]:
    """Every ``st2 run`` of the documents: the action and its arguments."""
    for page in PAGES:
        for line in re.findall(r"st2 run ([^`\n]+)", text_of(page)):
            ref, *arguments = shlex.split(line, comments=True)
            yield ref, arguments


def test_every_st2_run_is_one_that_st2_accepts():
    """Arguments are ``name=value``, as the client wants them; those required are given, and each
    is a parameter of its action.
    """
    runs = [(ref, arguments) for ref, arguments in st2_runs() if ref.startswith("gerrit.")]
    assert len(runs) > 15
    for ref, arguments in runs:
        pairs = [re.fullmatch(r"(\w+)=(.+)", argument) for argument in arguments]
        assert all(pairs), (ref, arguments)
        given = {pair[1]: pair[2] for pair in pairs if pair}
        known = parameters_of(ref)
        assert set(given) <= set(known), (ref, arguments)
        required = {name for name, schema in known.items() if schema.get("required")}
        assert required <= set(given), (ref, arguments)
        whole = {name: given[name] for name in given if known[name]["type"] == "integer"}
        assert all(value.isdigit() or value == "NUMBER" for value in whole.values()), ref


def test_there_is_a_worked_example():
    """The page about turns shows a command with its output, and both its files."""
    assert len(replayed()) >= 10


def replayed() -> List[str]:
    """What the worked example's command prints."""
    (shown,) = [output for command, output in CONSOLES if " replay " in command]
    return shown.splitlines()


def test_event_id_by_hand_is_one_that_could_be():
    """The command for handing on names the event of the worked example."""
    server = load(contract.read(ROOT / "docs" / "example" / "gerrit.yaml")).server
    events = [json.loads(line) for line in replayed()]
    ids = {
        event_id(server, one["number"], one["party"], instant(one["since"]), one["milestone"])
        for one in events
        if one["event"] == "waiting"
    }

    (shown,) = re.findall(r"event_id=(\S+)", text_of(OPERATORS))
    assert shown in ids


def instant(text: str) -> datetime:
    """An instant as the pack writes it."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


# --- blocks of YAML ---------------------------------------------------------------------------


def test_every_block_of_yaml_is_of_a_kind_that_is_checked():
    """Rules, configurations, overrides, and one action with its workflow."""
    kinds = [block.kind for block in blocks("yaml")]

    assert kinds.count("rule") >= 14
    assert set(kinds) == {"rule", "config", "overrides", "action", "workflow", "task"}
    assert not blocks("yml")


@pytest.mark.parametrize("block", yaml_blocks("task"))
def test_task_gives_the_action_what_it_takes(block: Block):
    """An example of a task names an action, and gives it all it needs."""
    task = block.content["task"]

    contract.check_call(task["action"], list(task["input"]))


@pytest.mark.parametrize("block", yaml_blocks("config"))
def test_configuration_loads(block: Block):
    """A configuration shown passes the checks that a real one has to pass."""
    # As StackStorm renders it; some tokens have parts with colons between them.
    text = re.sub(r"\{\{ st2kv\.system\.\w+ \}\}", "user:rendered:secret", block.text)
    # A section of its own stands for a part of a file whose first line is the server's address.
    settings = load({"url": "https://review.example.org", **yaml.safe_load(text)})

    assert settings.server == "review.example.org"


def test_overrides_name_what_the_pack_has():
    """StackStorm takes overrides of sensors by their class, and of rules by their name; what only
    some need is listed, and stays off.
    """
    (block,) = [block for block in blocks("yaml") if block.kind == "overrides"]
    overrides = block.content
    classes = {contract.read(path)["class_name"] for path in contract.files("sensors").values()}

    assert set(overrides) == {"sensors", "rules"}
    assert set(overrides["sensors"]["exceptions"]) == classes
    assert set(overrides["rules"]["exceptions"]) == set(contract.files("rules"))
    named = [one for kind in overrides.values() for one in kind["exceptions"].items()]
    assert [name for name, one in named if one != {"enabled": True}] == ["usual_waits_weekly"]


def own_actions() -> Dict[str, Dict[str, Any]]:
    """The actions shown on the pages, by reference."""
    found = [block.content for block in blocks("yaml") if block.kind == "action"]
    return {f"{action['pack']}.{action['name']}": action for action in found}


def parameters_of(ref: str) -> Mapping[str, Any]:
    """The parameters of an action: this pack's, one shown, or one of StackStorm's own."""
    if ref in FOREIGN:
        return FOREIGN[ref]
    shown = own_actions()
    action = shown[ref] if ref in shown else actions()[ref.split(".", 1)[1]]
    assert ref in shown or ref.startswith("gerrit."), ref
    return action.get("parameters", {})


def is_workflow(ref: str) -> bool:
    """Whether what is passed to the action goes through a workflow."""
    found = {**own_actions(), **{f"gerrit.{n}": a for n, a in actions().items()}}
    return ref in found and found[ref]["runner_type"] == "orquesta"


@pytest.mark.parametrize("block", yaml_blocks("rule"))
def test_rule_is_one_that_stackstorm_takes(block: Block):
    """Known keys, a trigger of this pack, known operators on its fields, for values they have."""
    rule = block.content
    properties = triggers()[rule["trigger"]["type"]]["payload_schema"]["properties"]

    assert {"name", "pack", "description", "enabled", "trigger", "criteria", "action"} == set(rule)
    assert rule["pack"] != "gerrit"
    check_criteria(rule["criteria"])
    for key, criterion in rule["criteria"].items():
        scope, field = key.split("#")[0].split(".", 1)
        assert (scope, field in properties) == ("trigger", True), key
        assert criterion["type"] in contract.OPERATORS
        wanted = criterion["pattern"]
        if field == "milestone":
            assert set(wanted if isinstance(wanted, list) else [wanted]) <= set(DEFAULT_MILESTONES)
        elif "enum" in properties[field]:
            assert set(wanted if isinstance(wanted, list) else [wanted]) <= set(
                properties[field]["enum"]
            )


@pytest.mark.parametrize("block", yaml_blocks("rule"))
def test_rule_passes_what_its_action_takes(block: Block):
    """The parameters, rendered and cast as StackStorm does it, fit the action's schema."""
    rule = block.content
    schema = parameters_of(rule["action"]["ref"])
    scope = {"trigger": sample(rule["trigger"]["type"]), "st2kv": {}, "action_context": {}}

    given = live(rule["action"]["parameters"], schema, {**scope, "config_context": {}})

    validate(given, of_parameters(schema))


@pytest.mark.parametrize("block", yaml_blocks("rule"))
def test_rule_passes_text_only_where_nothing_evaluates_it(block: Block):
    """No text that people typed goes into a workflow or a shell command."""
    action = block.content["action"]
    passed = set(re.findall(r"\btrigger\.(\w+)", str(action["parameters"])))

    if is_workflow(action["ref"]) or action["ref"] == "core.local":
        assert not passed & contract.TYPED_BY_PEOPLE
    if action["ref"] == "core.local":
        # Nothing that a server's name or an odd id could bring into a shell.
        assert not passed & {"server", "event_id"}


@pytest.mark.parametrize("block", yaml_blocks("rule"))
def test_rule_fires_on_some_triggers_and_not_on_all(block: Block):
    """No criterion can never hold, or raises; a rule with criteria leaves something out."""
    criteria = block.content["criteria"]
    payloads = samples(block.content["trigger"]["type"], criteria)

    outcomes = {matches(criteria, payload) for payload in payloads}

    assert outcomes == ({True, False} if criteria else {True})


def sample(kind: str) -> Dict[str, Any]:
    """A payload that the trigger's schema takes."""
    by_type = {"string": "text", "integer": 4242, "number": 1.5, "boolean": False, "array": []}
    schema = triggers()[kind]["payload_schema"]
    payload: Dict[str, Any] = {}
    for field, spec in schema["properties"].items():
        first = spec["type"][0] if isinstance(spec["type"], list) else spec["type"]
        payload[field] = spec["enum"][0] if "enum" in spec else by_type[first]
    if "event_id" in payload:
        payload["event_id"] = "review.example.org:4242:reviewers:1772701200:2d"
    validate(payload, schema)
    return payload


def samples(kind: str, criteria: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
    """Payloads that differ in what the criteria ask for, in every combination."""
    properties = triggers()[kind]["payload_schema"]["properties"]
    varied: Dict[str, List[Any]] = {
        field: spec["enum"] for field, spec in properties.items() if "enum" in spec
    }
    varied["milestone"] = list(DEFAULT_MILESTONES)
    varied["project"] = ["infra/mirror", "tools/docs"]
    varied["branch"] = ["main", "stable/1.0"]
    varied["hashtags"] = [[], [EXEMPT_HASHTAG]]
    varied["human_reviews"] = [0, 3]
    varied["insertions"] = [10, 2000]
    fields = [key.split("#")[0].split(".", 1)[1] for key in criteria]
    base = sample(kind)
    for values in itertools.product(*(varied[field] for field in fields)):
        yield {**base, **dict(zip(fields, values))}


def test_own_workflow_is_sound():
    """The workflow shown passes Orquesta's inspection, takes its action's parameters, and calls
    actions as they are.
    """
    (action,) = own_actions().values()
    (block,) = [block for block in blocks("yaml") if block.kind == "workflow"]
    spec = contract.spec_loader.get_spec_module("native").instantiate(block.text)
    workflow = block.content

    assert set(action) <= contract.ACTION_KEYS
    assert spec.inspect() == {}
    assert contract.names_of(workflow["input"]) == list(action["parameters"])
    for task in workflow["tasks"].values():
        contract.check_call(task["action"], list(task["input"]))


def test_newcomer_hint_is_a_criterion_that_exists():
    """Criteria that are only mentioned in a sentence are on fields of the trigger, too."""
    fields = triggers()["gerrit.change_waiting"]["payload_schema"]["properties"]
    mentioned = re.findall(r"`trigger\.(\w+)", prose(COOKBOOK))

    assert mentioned
    assert set(mentioned) <= set(fields)


# What StackStorm's client has, of what is used here (st2client/st2client/shell.py).
ST2 = {
    "action": {"enable", "get"},
    "apikey": {"create"},
    "auth": None,
    "execution": {"cancel", "get", "list", "re-run"},
    "key": {"delete", "get", "list", "set"},
    "pack": {"install", "register", "remove"},
    "rule": {"create", "disable", "enable", "list"},
    "rule-enforcement": {"list"},
    "run": None,
    "sensor": {"disable", "enable", "list"},
    "service-registry": {"group"},
    "trace": {"list"},
    "trigger-instance": {"list"},
}


def test_every_st2_command_is_one_that_the_client_has():
    """In the documents and in what the pack tells people to do: a command, and what follows it."""
    sources = [*PAGES, *sorted((ROOT / "actions" / "lib").rglob("*.py"))]
    used = {
        (first, second)
        for path in sources
        for first, second in re.findall(r"\bst2 ([a-z-]+)(?: ([a-z-]+))?", text_of(path))
    }

    assert len(used) > 20
    for first, second in used:
        assert first in ST2, first
        known = ST2[first]
        assert known is None or second in known, (first, second)
