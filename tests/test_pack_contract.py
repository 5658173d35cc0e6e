"""What StackStorm asks of a pack's files, and what they promise each other.

StackStorm registers a good deal that fails only when it runs: an entry point that is not there, a
rule on a field that no trigger has, a parameter that ``run`` does not take. The rules checked here
are those of its models (``st2common/models/api``, ``st2common/util/schema/action_params.json``).
"""

from __future__ import annotations

import ast
import importlib.util
import re
import struct
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

import pytest
import yaml
from sandbox.standin import compat
from sandbox.standin.runners import RUNNER_PARAMETERS

import reviewloop
from repository import ROOT
from reviewloop.settings.load import DEFAULT_MILESTONES, load

compat.repair()
from orquesta.specs import loader as spec_loader  # noqa: E402 - importable only after the repair

# Lists of words, several to a line.
# fmt: off
ACTIONS = [
    "query_changes", "get_change", "post_review", "set_hashtags", "add_reviewers", "assess",
    "ask", "explain", "open_ticket", "update_ticket", "close_ticket", "escalate", "nudge", "label",
    "stand_down", "refresh", "stand_down_if_over", "sweep", "board", "doctor", "preview", "report",
    "usual_waits",
]
SENSORS = ["gerrit_changes_sensor"]
TRIGGERS = ["change_waiting", "change_overdue", "change_wait_ended", "poll_trouble"]
RULES = [
    "nudge_reviewers",
    "nudge_overdue",
    "escalate_to_committee",
    "escalate_overdue",
    "label_unmerged",
    "label_overdue",
    "stand_down",
    "sweep_daily",
    "usual_waits_weekly",
]

TYPES = {"array", "boolean", "integer", "null", "number", "object", "string"}
PARAMETER_KEYWORDS = {
    "title", "description", "default", "multipleOf", "maximum", "exclusiveMaximum", "minimum",
    "exclusiveMinimum", "maxLength", "minLength", "pattern", "additionalItems", "items",
    "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "required",
    "secret", "additionalProperties", "properties", "patternProperties", "enum", "type",
    "position", "immutable", "allOf", "anyOf", "oneOf", "not",
}
ACTION_KEYS = {
    "name", "description", "enabled", "runner_type", "entry_point", "pack", "parameters",
    "output_schema", "tags", "notify", "ref",
}
SENSOR_KEYS = {
    "class_name", "entry_point", "description", "enabled", "poll_interval", "trigger_types",
    "name", "pack",
}
TRIGGER_KEYS = {"name", "description", "payload_schema", "parameters_schema", "tags", "pack"}
RULE_KEYS = {
    "name", "pack", "description", "type", "trigger", "criteria", "action", "enabled",
    "context", "tags",
}
OPERATORS = {
    "matchwildcard", "regex", "iregex", "eq", "equals", "neq", "nequals", "ieq", "iequals",
    "contains", "icontains", "ncontains", "incontains", "startswith", "istartswith", "endswith",
    "iendswith", "lt", "lessthan", "gt", "greaterthan", "td_lt", "timediff_lt", "td_gt",
    "timediff_gt", "exists", "nexists", "in", "inside", "nin", "ninside", "search",
}
# fmt: on
# Fields of triggers that hold what somebody typed. StackStorm evaluates expressions that it finds
# in the values of a workflow, so these never enter one.
TYPED_BY_PEOPLE = {"project", "branch", "hashtags", "topic", "subject", "url", "remedy"}
TEMPLATE = re.compile(r"\{\{\s*(\w+)\.([\w.]+)\s*\}\}")


def read(path: Path) -> Dict[str, Any]:
    """One metadata file, which must be a mapping."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict), f"{path.name} is not a mapping"
    return content


def files(folder: str) -> Dict[str, Path]:
    """The metadata files of a folder by name; StackStorm looks into no folder below it."""
    return {path.stem: path for path in sorted((ROOT / folder).glob("*.yaml"))}


def each(folder: str) -> Any:
    """Parametrise over the metadata of a folder."""
    found = [pytest.param(path.stem, read(path), id=path.stem) for path in files(folder).values()]
    return pytest.mark.parametrize(("name", "content"), found)


def actions() -> Dict[str, Dict[str, Any]]:
    """All actions by name."""
    return {name: read(path) for name, path in files("actions").items()}


def triggers() -> Dict[str, Dict[str, Any]]:
    """All trigger types by reference."""
    return {
        f"gerrit.{kind['name']}": kind
        for path in files("sensors").values()
        for kind in read(path)["trigger_types"]
    }


# Timers come with StackStorm; what they carry is nothing that a rule here asks for.
CORE_TRIGGERS: Dict[str, Dict[str, Any]] = {
    "core.st2.CronTimer": {"payload_schema": {"properties": {}}}
}


def trigger_of(rule: Mapping[str, Any]) -> Dict[str, Any]:
    """The trigger type that a rule is on."""
    return {**triggers(), **CORE_TRIGGERS}[rule["trigger"]["type"]]


METADATA = [
    path
    for folder in ("actions", "rules", "sensors", "workflows")
    for path in sorted((ROOT / folder).glob("*.yaml"))
]


@pytest.mark.parametrize("path", METADATA, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_merge_keys(path: Path) -> None:
    """StackStorm's loader knows no ``<<``: such a file is not registered, and the pack not
    installed (``st2common/content/loader.py``, seen on 3.9.0).
    """
    tags = [node.tag for node in _nodes(yaml.compose(path.read_text(encoding="utf-8")))]

    assert "tag:yaml.org,2002:merge" not in tags


def _nodes(node: Any) -> Iterator[yaml.Node]:
    yield node
    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _nodes(one)
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            for one in pair:
                yield from _nodes(one)


def parameter_problems(schema: Mapping[str, Any], where: str) -> Iterator[str]:
    """What StackStorm's dialect refuses in the schema of one parameter or setting."""
    for unknown in set(schema) - PARAMETER_KEYWORDS:
        yield f"{where}: unknown keyword {unknown}"
    if not isinstance(schema.get("required", False), bool):
        yield f"{where}: required is true or false, on the property itself"
    if schema.get("type") not in TYPES:
        yield f"{where}: exactly one type; without one StackStorm takes it for a string"
    if "{{" in str(schema.get("default", "")):
        yield f"{where}: a default is never rendered"
    for key, inner in inner_schemas(schema, where):
        yield from parameter_problems(inner, key)


def payload_problems(schema: Mapping[str, Any], where: str) -> Iterator[str]:
    """What makes StackStorm drop a trigger, or an output, without a word to anybody."""
    types = schema.get("type")
    if not set(types if isinstance(types, list) else [types]) <= TYPES:
        yield f"{where}: no type, so StackStorm takes it for a string"
    if not isinstance(schema.get("required", False), bool):
        yield f"{where}: required is true or false, on the property itself"
    closed = schema.get("additionalProperties") is False
    if types == "object" and "properties" in schema and not closed:
        yield f"{where}: additionalProperties is not false"
    for key, inner in inner_schemas(schema, where):
        yield from payload_problems(inner, key)


def inner_schemas(schema: Mapping[str, Any], where: str) -> Iterator[Tuple[str, Mapping[str, Any]]]:
    """The schemas directly inside one."""
    for key, inner in schema.get("properties", {}).items():
        yield f"{where}.{key}", inner
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield f"{where}.{keyword}", schema[keyword]


def run_arguments(source: str) -> List[str]:
    """The arguments of ``run`` in an entry file, which must define exactly one class."""
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    assert len(classes) == 1, "StackStorm runs the alphabetically first class of a file"
    (run,) = [f for f in classes[0].body if isinstance(f, ast.FunctionDef) and f.name == "run"]
    assert run.args.vararg is None
    assert run.args.kwarg is None
    return [argument.arg for argument in run.args.args + run.args.kwonlyargs][1:]


def entry_path(entry_point: str) -> Path:
    """The file StackStorm would take; it refuses a path that is absolute or not in normal form."""
    assert not entry_point.startswith(("/", "./")), entry_point
    assert ".." not in entry_point.split("/"), entry_point
    return ROOT / "actions" / entry_point


# --- the pack ---------------------------------------------------------------------------------


def test_pack_metadata_is_what_stackstorm_accepts():
    """Name, reference and versions match StackStorm's patterns; e-mail is read unguarded there."""
    pack = read(ROOT / "pack.yaml")

    assert (pack["ref"], pack["name"]) == ("gerrit", "gerrit")
    assert re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", pack["version"])
    assert re.fullmatch(
        r"((>?>|>=|=|<=|<?<)\s*[0-9]+\.[0-9]+\.[0-9]+?(\s*,)?\s*)+", pack["stackstorm_version"]
    )
    assert pack["python_versions"] == ["3"]
    for key in ("description", "author", "email"):
        assert isinstance(pack[key], str)
        assert pack[key]
    assert all(isinstance(word, str) for word in pack["keywords"])


def test_icon_is_a_png_of_the_size_stackstorm_shows():
    """The icon is 64 by 64 pixels."""
    head = (ROOT / "icon.png").read_bytes()[:24]

    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", head[16:24]) == (64, 64)


def test_licence_is_the_full_text_of_apache_2():
    """The Exchange accepts only the Apache licence, in full."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "9. Accepting Warranty or Additional Liability." in text
    assert "www.apache.org/licenses/LICENSE-2.0" in text


def test_every_yaml_file_parses():
    """The Exchange reads every one, the examples and the tests' own among them."""
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."]
    found = [*ROOT.glob("*.yaml"), *(file for one in folders for file in one.rglob("*.yaml"))]

    assert len(found) > 40
    for path in found:
        assert read(path), path


def test_one_version():
    """The library names itself to servers by the pack's version."""
    assert read(ROOT / "pack.yaml")["version"] == reviewloop.__version__


def test_change_log_speaks_of_this_version():
    """What is not released yet has a heading, and what is released has its version's."""
    version = read(ROOT / "pack.yaml")["version"]

    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGES.md").read_text("utf-8"), re.MULTILINE)
    assert headings
    assert headings[0] == "Unreleased" or headings[0].startswith(version)


def test_every_source_file_is_written_for_python_3_8():
    """The oldest StackStorm supported runs on Python 3.8."""
    folders = ("actions", "sensors", "sandbox", "tests")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]

    assert len(sources) > 20
    for path in sources:
        ast.parse(path.read_text(encoding="utf-8"), filename=path.name, feature_version=(3, 8))


# --- the configuration ------------------------------------------------------------------------


def test_configuration_schema_keeps_to_the_dialect():
    """StackStorm rejects a schema with a keyword or a form that it does not know."""
    schema = read(ROOT / "config.schema.yaml")

    assert all(re.fullmatch(r"\w+", key) for key in schema)
    assert not [p for key, spec in schema.items() for p in parameter_problems(spec, key)]


def test_every_setting_is_described_and_every_secret_marked():
    """``st2 pack config`` reads like a guide; StackStorm decrypts only what is marked secret."""

    def walk(schema: Mapping[str, Any], where: str) -> Iterator[Tuple[str, Mapping[str, Any]]]:
        for key, inner in inner_schemas(schema, where):
            if not key.endswith(("items", "additionalProperties")):
                yield key, inner
            yield from walk(inner, key)

    settings = dict(walk({"properties": read(ROOT / "config.schema.yaml")}, ""))
    assert not [key for key, spec in settings.items() if len(spec.get("description", "")) < 10]
    secret = {key for key, spec in settings.items() if spec.get("secret")}
    assert secret == {key for key in settings if key.endswith((".password", ".token"))}


def test_no_setting_has_a_pattern_that_refuses_an_empty_answer():
    """``st2 pack config`` holds an empty answer against the pattern, default or not."""
    assert "pattern:" not in (ROOT / "config.schema.yaml").read_text(encoding="utf-8")


class Recording(Dict[str, Any]):
    """A mapping that notes which keys were asked for, under their path."""

    def __init__(self, values: Mapping[str, Any], path: str, asked: List[str]) -> None:
        super().__init__(values)
        self._path = path
        self._asked = asked

    def get(self, key: str, default: Any = None) -> Any:
        """As a dict's; sections and their items are recorded as well."""
        path = f"{self._path}.{key}"
        self._asked.append(path)
        value = super().get(key, default)
        if isinstance(value, dict):
            return Recording(value, path, self._asked)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return [Recording(item, f"{path}.items", self._asked) for item in value]
        return value


def test_settings_read_are_exactly_those_declared():
    """No setting is read that the schema lacks, and none is declared that nothing reads."""
    config = read(ROOT / "gerrit.yaml.example")
    config["password"] = config["tracker"]["token"] = "rendered"
    asked: List[str] = []
    load(Recording(config, "", asked))

    def paths(schema: Mapping[str, Any], where: str) -> Iterator[str]:
        for key, inner in inner_schemas(schema, where):
            if not key.endswith(("items", "additionalProperties")):
                yield key
            yield from paths(inner, key)

    declared = set(paths({"properties": read(ROOT / "config.schema.yaml")}, ""))
    logins = {path for path in asked if path.startswith(".roster.members.items.tracker.")}
    assert set(asked) - logins == declared


def test_no_entry_file_reads_the_configuration_by_itself():
    """Configuration goes through the settings, so that every mistake is named in one place."""
    for folder in ("actions", "sensors"):
        for path in (ROOT / folder).glob("*.py"):
            assert not re.search(r"config\s*(\[|\.get\()", path.read_text("utf-8")), path.name


# --- actions ----------------------------------------------------------------------------------


def test_all_expected_actions_are_there_and_no_others():
    """The actions are these; one that is added is named here, too."""
    assert sorted(files("actions")) == sorted(ACTIONS)


@each("actions")
def test_action_metadata_is_what_stackstorm_accepts(name: str, content: Dict[str, Any]):
    """Only known keys, a name that is the file's, and parameters in StackStorm's dialect."""
    assert set(content) <= ACTION_KEYS
    assert content["name"] == name
    assert content["runner_type"] in {"python-script", "orquesta"}
    assert content["description"]
    for parameter, schema in content.get("parameters", {}).items():
        assert not list(parameter_problems(schema, parameter))
        assert schema["description"], parameter
        assert not ("default" in schema and schema.get("required")), parameter


@each("actions")
def test_action_says_what_it_answers(name: str, content: Dict[str, Any]):
    """Whatever answers something has a closed schema for it; some workflows answer nothing."""
    if content["runner_type"] == "orquesta" and "output" not in read(files("workflows")[name]):
        assert "output_schema" not in content
        return
    assert content["output_schema"]["type"] == "object"
    assert not list(payload_problems(content["output_schema"], name))


@each("actions")
def test_action_takes_no_credential(name: str, content: Dict[str, Any]):
    """Credentials come from the configuration: parameters are stored with every execution."""
    for parameter in content.get("parameters", {}):
        assert not re.search(r"passw|token|secret|credential", parameter), (name, parameter)


@each("actions")
def test_entry_point_of_action_lies_under_actions(name: str, content: Dict[str, Any]):
    """StackStorm registers an entry point without looking whether it exists."""
    assert entry_path(content["entry_point"]).is_file()


@each("actions")
def test_parameters_are_the_arguments_of_run(name: str, content: Dict[str, Any]):
    """A Python action gets exactly its parameters, beside those that it sets for its runner; a
    workflow declares them as its input.
    """
    parameters = set(content.get("parameters", {})) - RUNNER_PARAMETERS
    path = entry_path(content["entry_point"])
    if content["runner_type"] == "python-script":
        assert set(run_arguments(path.read_text("utf-8"))) == parameters
    else:
        assert set(names_of(read(path).get("input", []))) == parameters


def test_every_python_file_of_actions_is_an_action():
    """A file that nothing points to would never run."""
    entry_points = {content["entry_point"] for content in actions().values()}

    assert {path.name for path in (ROOT / "actions").glob("*.py")} <= entry_points


def test_no_entry_file_defines_a_dataclass():
    """StackStorm's loader leaves the module out of sys.modules, and dataclasses then fail."""
    for folder in ("actions", "sensors"):
        for path in (ROOT / folder).glob("*.py"):
            assert "dataclass" not in path.read_text("utf-8"), path.name


# --- sensor and triggers ----------------------------------------------------------------------


def test_all_expected_sensors_and_triggers_are_there():
    """One sensor, four kinds of events."""
    assert sorted(files("sensors")) == sorted(SENSORS)
    assert sorted(triggers()) == sorted(f"gerrit.{name}" for name in TRIGGERS)


@each("sensors")
def test_sensor_metadata_is_what_stackstorm_accepts(name: str, content: Dict[str, Any]):
    """Off until it is configured, with an entry point beside it that defines its class."""
    assert set(content) <= SENSOR_KEYS
    assert content["enabled"] is False
    assert content["poll_interval"] >= 30
    tree = ast.parse((ROOT / "sensors" / content["entry_point"]).read_text("utf-8"))
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    assert classes == [content["class_name"]]
    # These modules are on a sensor's path already, and would be taken instead.
    assert name not in {"utils", "manager", "partitioners", "process_container"}


@pytest.mark.parametrize("ref", [f"gerrit.{name}" for name in TRIGGERS])
def test_payload_schema_drops_nothing_by_accident(ref: str):
    """StackStorm drops a payload that does not match, with a line in the log and nothing else."""
    trigger = triggers()[ref]

    assert set(trigger) <= TRIGGER_KEYS
    assert trigger["payload_schema"]["type"] == "object"
    assert not list(payload_problems(trigger["payload_schema"], ref))


# --- rules ------------------------------------------------------------------------------------


def test_all_expected_rules_are_there():
    """Nudge, escalate, label, stand down."""
    assert set(RULES) <= set(files("rules"))


@each("rules")
def test_rule_metadata_is_what_stackstorm_accepts(name: str, content: Dict[str, Any]):
    """Off until somebody wants it, on a trigger and an action that exist."""
    assert set(content) <= RULE_KEYS
    assert (content["name"], content["pack"]) == (name, "gerrit")
    assert content["enabled"] is False
    assert trigger_of(content)
    assert content["action"]["ref"] in {f"gerrit.{action}" for action in actions()}


@each("rules")
def test_criteria_of_rule_ask_for_what_the_trigger_has(name: str, content: Dict[str, Any]):
    """Known operators with a pattern each, on fields of the trigger, for values they can have."""
    properties = trigger_of(content)["payload_schema"]["properties"]
    for key, criterion in content["criteria"].items():
        scope, field = key.split("#")[0].split(".", 1)
        assert scope == "trigger"
        assert field in properties
        assert criterion["type"] in OPERATORS
        # StackStorm refuses a criterion without one, whatever the operator.
        assert criterion["pattern"] is not None
        patterns = criterion["pattern"]
        wanted = patterns if isinstance(patterns, list) else [patterns]
        if criterion["type"] in {
            "eq",
            "equals",
            "neq",
            "nequals",
            "in",
            "inside",
            "nin",
            "ninside",
        }:
            assert set(wanted) <= set(properties[field].get("enum", wanted))
            assert field != "milestone" or set(wanted) <= set(DEFAULT_MILESTONES)


@each("rules")
def test_rule_gives_the_action_what_it_takes(name: str, content: Dict[str, Any]):
    """All required parameters, no unknown ones, from fields the trigger always has."""
    parameters = content["action"]["parameters"]
    properties = trigger_of(content)["payload_schema"]["properties"]

    check_call(content["action"]["ref"], list(parameters))
    for scope, field in TEMPLATE.findall(str(parameters)):
        assert scope == "trigger"
        assert properties[field]["required"] is True


@each("rules")
def test_rule_passes_on_nothing_that_people_typed(name: str, content: Dict[str, Any]):
    """A subject with an expression in it could otherwise read the pack's secrets."""
    passed = {field for _, field in TEMPLATE.findall(str(content["action"]["parameters"]))}

    assert not passed & TYPED_BY_PEOPLE


# --- workflows --------------------------------------------------------------------------------


def names_of(variables: Sequence[Any]) -> List[str]:
    """The names in a workflow's input: plain, or with a default."""
    return [name for item in variables for name in (item if isinstance(item, dict) else [item])]


def check_call(ref: str, given: Sequence[str]) -> None:
    """An action is there, and is given all it needs and nothing it does not know."""
    pack, _, name = ref.partition(".")
    if pack != "gerrit":
        assert ref in {"core.noop", "core.pause"}, ref
        return
    parameters = actions()[name].get("parameters", {})
    required = {key for key, schema in parameters.items() if schema.get("required")}
    assert required <= set(given) <= set(parameters), ref


def test_every_workflow_belongs_to_an_action():
    """A workflow without an action is dead, and an action's workflow has its name."""
    names = {name for name, content in actions().items() if content["runner_type"] == "orquesta"}

    assert set(files("workflows")) == names


@each("workflows")
def test_workflow_passes_orquestas_own_inspection(name: str, content: Dict[str, Any]):
    """StackStorm inspects a workflow only when it first runs."""
    text = (ROOT / "workflows" / f"{name}.yaml").read_text(encoding="utf-8")
    spec = spec_loader.get_spec_module("native").instantiate(text)

    assert spec.inspect() == {}


@each("workflows")
def test_workflow_calls_actions_as_they_are(name: str, content: Dict[str, Any]):
    """Every task names an action by reference and passes its parameters under ``input``."""
    for task in content["tasks"].values():
        if "action" in task:
            # With inline parameters StackStorm takes the whole text for the action's name.
            assert re.fullmatch(r"\w+\.\w+", task["action"])
            check_call(task["action"], list(task.get("input", {})))


# --- policies and aliases ---------------------------------------------------------------------


def test_no_policies():
    """StackStorm's policies count runs that died with their process as running, for ever; what must
    not happen at once is kept apart by leases that end.
    """
    assert files("policies") == {}


def test_every_alias_leads_to_an_action():
    """A chat command fills in parameters that its action has."""
    for path in files("aliases").values():
        alias = read(path)
        action = actions()[alias["action_ref"].split(".", 1)[1]]
        assert alias["name"] == path.stem
        assert set(re.findall(r"\{\{\s*(\w+)", str(alias["formats"]))) <= set(action["parameters"])


#: The distribution that brings a module, where its name is another one.
BRINGS = {
    "yaml": "pyyaml",
    "urllib3": "requests",
    "backports": "backports.zoneinfo",
    "markupsafe": "jinja2",
}
#: What draws charts is the extra `report`, imported where it is used; its absence is told of.
EXTRA = {"vl_convert"}
STACKSTORM = {"st2common", "st2reactor"}


def required(file: str) -> List[str]:
    """The distributions that a file of requirements names, in lower case."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return [re.split(r"[^\w.-]", line.lower())[0] for line in lines if line[:1].isalpha()]


def imported_from_outside() -> Iterator[str]:
    """Modules that the pack's own code imports and that are neither Python's nor its own."""
    for folder in ("actions", "sensors"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                names = [alias.name for alias in getattr(node, "names", [])]
                if isinstance(node, ast.ImportFrom):
                    yield str(node.module)
                elif isinstance(node, ast.Import):
                    yield from names


def test_every_import_is_named_in_the_requirements():
    """``st2 pack install`` installs what they name, and nothing else."""
    tops = {name.split(".")[0] for name in imported_from_outside()} - STACKSTORM
    outside = {
        name
        for name in tops - EXTRA - {"reviewloop", "__future__"}
        if "site-packages" in str(getattr(importlib.util.find_spec(name), "origin", None))
    }

    assert {"requests", "jinja2", "yaml"} <= outside
    assert {BRINGS.get(name, name) for name in outside} <= set(required("requirements.txt"))
    assert tops >= EXTRA


def test_attributes_leave_their_object_as_a_copy():
    """On Python 3.13.0 the dictionary of an object that is gone can lose values."""
    for folder in ("actions", "sensors", "sandbox"):
        for file in (ROOT / folder).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            assert not re.search(r"return (vars\(|\w+\.__dict__)", text), file


def test_requirements_that_can_live_beside_stackstorm():
    """The Exchange installs these two into StackStorm's own environment."""
    named = {*required("requirements.txt"), *required("requirements-tests.txt")}

    assert named & {"orquesta", "jsonschema", "networkx", "setuptools", "eventlet"} == set()
    assert "orquesta" in required("requirements-sandbox.txt")
