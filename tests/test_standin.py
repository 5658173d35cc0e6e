"""The stand-in for StackStorm: it must be as strict, as odd and as leaky as what it stands in for.

The expected values were compared with StackStorm's own schema, operator, rule filter, parameter and
configuration modules.
"""

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sandbox.standin import compat
from sandbox.standin.datastore import Datastore, DatastoreService
from sandbox.standin.pack import OPERATORS, Pack, check_criteria, matches
from sandbox.standin.runners import ProcessDied
from sandbox.standin.standin import StandIn
from sandbox.standin.values import MISFIT, RequestError, validate

PACK = Path(__file__).parent / "fixtures" / "standin_pack"
CONFIG = {"token": "{{ st2kv.system.token }}"}
SECRET = "s3cret"
YAQL_THEFT = "<% st2kv('system.token', decrypt => true) %>"
JINJA_THEFT = "{{ st2kv('system.token', decrypt=true) }}"


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self):
        self.now = datetime(2026, 1, 5, tzinfo=timezone.utc)

    def __call__(self):
        """The time."""
        return self.now


class Told(StandIn):
    """A stand-in to which tests dispatch triggers themselves."""

    def told(self, trigger, payload, trace_tag=None):
        """Dispatch as a sensor would; the executions that followed."""
        first = len(self.executions)
        self.dispatch(trigger, payload, trace_tag)
        self.drain()
        return self.executions[first:]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def standin(clock):
    return Told(PACK, CONFIG, {"token": SECRET}, clock=clock)


def tick(**changes):
    return {"number": 5, "nullable": None, **changes}


def refs(executions):
    return [execution.action for execution in executions]


def numbers(standin):
    return [trigger.payload["number"] for trigger in standin.triggers]


def test_repaired_twice():
    """Orquesta's repairs may be made any number of times; it parses inline parameters as before."""
    compat.repair()
    compat.repair()
    from orquesta.utils import parameters  # noqa: PLC0415 - only now

    assert parameters.parse_inline_params("flag=TRUE n=5") == [{"flag": True}, {"n": 5}]


class TestSensor:
    """A sensor's life."""

    def test_class_gets_what_stackstorm_gives(self, standin):
        """Defaults are in the configuration; setup() overrides the interval of the YAML."""
        sensor = standin.start_sensor("TickerSensor")

        assert sensor.config["token"] == SECRET
        assert sensor.config["count"] == 2
        assert sensor.get_poll_interval() == 60
        assert sensor.logger.name == "SensorWrapper.demo.TickerSensor.ticker"

    def test_quiet_without_rules(self, standin):
        """Dispatched triggers are recorded even if no rule is enabled; rules ship disabled."""
        standin.start_sensor("TickerSensor")

        assert standin.poll() == []
        assert numbers(standin) == [1, 2]
        assert standin.triggers[0].trace_tag == "demo-1"

    def test_one_rule_enabled(self, standin):
        """Only that rule runs, and the execution carries the trigger's trace tag."""
        standin.enabled.add("demo.through")
        standin.start_sensor("TickerSensor")

        ran = standin.poll()

        assert refs(ran) == ["demo.pass_text", "demo.echo"] * 2
        assert {"demo-1", "demo-2"} == {execution.trace_tag for execution in ran}
        assert ran[0].id == ran[1].parent
        assert ran[1].task == "say"

    def test_started_again(self, standin):
        """A new sensor object knows only what the datastore kept."""
        first = standin.start_sensor("TickerSensor")
        standin.poll()

        second = standin.start_sensor("TickerSensor")
        standin.poll()

        assert (first.polls, second.polls) == (1, 1)
        assert numbers(standin) == [1, 2, 3, 4]

    def test_poll_raises(self, standin):
        """An exception out of poll() ends the sensor, as StackStorm's process would end."""
        standin.start_sensor("TickerSensor")
        standin.datastore.down = True

        with pytest.raises(ConnectionError):
            standin.poll()
        assert standin.sensor is None

    def test_library_not_on_path(self, standin, monkeypatch):
        """A sensor that does not extend sys.path itself cannot import from actions/lib.

        Not even where the tests themselves can, which are run with the library on their path.
        """
        monkeypatch.syspath_prepend(PACK / "actions" / "lib")

        with pytest.raises(ModuleNotFoundError, match="demo_unreachable"):
            standin.start_sensor("BlindSensor")

    def test_path_left_as_it_was(self, standin):
        """What the sensor adds to sys.path stays with the sensor; its file is not a module."""
        before = sys.path[:]

        standin.start_sensor("TickerSensor")
        standin.poll()

        assert before == sys.path
        assert "ticker" not in sys.modules

    def test_method_missing(self, standin):
        """A sensor must have all six methods of StackStorm's polling sensors."""
        kind = type(standin.start_sensor("TickerSensor")).__mro__[1]
        half = type("Half", (kind,), {"poll": None, "setup": None, "cleanup": None})

        with pytest.raises(TypeError, match="abstract"):
            half(None)


class TestDeaths:
    """A process that ends at the worst moment."""

    @pytest.mark.parametrize(
        ("moment", "nth", "dispatched", "cursor"),
        [
            ("sensor.before_dispatch", 1, [], None),
            ("sensor.after_dispatch", 1, [1], None),
            ("sensor.before_dispatch", 2, [1], None),
            ("sensor.before_set_value", 1, [1, 2], None),
            ("sensor.after_set_value", 1, [1, 2], "2"),
        ],
    )
    def test_sensor_dies(self, standin, moment, nth, dispatched, cursor):
        """What was dispatched before is run; what was not written is not written."""
        standin.enabled.add("demo.through")
        standin.start_sensor("TickerSensor")
        standin.die_at(moment, nth)

        with pytest.raises(ProcessDied):
            standin.poll()

        assert dispatched == numbers(standin)
        assert 2 * len(dispatched) == len(standin.executions)
        assert cursor == standin.datastore.texts().get("demo.TickerSensor:cursor")
        assert standin.sensor is None

    def test_dies_once(self, standin):
        """The planned death is spent: a new sensor lives."""
        standin.start_sensor("TickerSensor")
        standin.die_at("sensor.before_set_value")
        with pytest.raises(ProcessDied):
            standin.poll()

        standin.start_sensor("TickerSensor")
        standin.poll()

        assert numbers(standin) == [1, 2, 1, 2]

    @pytest.mark.parametrize(("moment", "kept"), [("before", False), ("after", True)])
    def test_action_dies(self, standin, moment, kept):
        """An action's death is a failed execution, with its write done or not."""
        standin.die_at(f"action.{moment}_set_value")

        execution = standin.run("demo.misbehave", how="writes")

        assert (execution.status, execution.result["exit_code"]) == ("failed", -9)
        assert kept == ("demo.misbehave:note" in standin.datastore.texts())


class TestDatastore:
    """The key-value store, as sensors and actions reach it."""

    @pytest.fixture
    def store(self, clock):
        """An empty store."""
        return Datastore(clock)

    @pytest.fixture
    def service(self, store):
        """What the demo pack's ticker sees of it."""
        return DatastoreService(store, "demo", "Ticker", lambda _: None)

    def test_local_names(self, store, service):
        """A local key is named pack, dot, class, colon, name, and lists under that full name."""
        service.set_value("cursor.a", "1")
        service.set_value("cursor.b", "2", local=False)

        assert [item.name for item in store.items()] == ["cursor.b", "demo.Ticker:cursor.a"]
        assert [i.name for i in service.list_values(prefix="cursor")] == ["demo.Ticker:cursor.a"]
        assert [i.value for i in service.list_values(local=False, prefix="cursor")] == ["2"]

    def test_not_a_string(self, service):
        """Values are passed through str(), silently: None becomes the text None."""
        service.set_value("number", 5)
        service.set_value("nothing", None)

        assert (service.get_value("number"), service.get_value("nothing")) == ("5", "None")

    def test_absent(self, service):
        """An absent value is None."""
        assert service.get_value("x") is None

    def test_lifetime(self, service, clock):
        """A value is gone when MongoDB's sweep, once a minute, finds its seconds passed."""
        service.set_value("x", "1", ttl=60)

        clock.now += timedelta(seconds=119)
        assert service.get_value("x") == "1"
        clock.now += timedelta(seconds=1)
        assert service.get_value("x") is None

    def test_down(self, store, service):
        """Down: get answers None as if absent; list and set raise."""
        service.set_value("x", "1")
        store.down = True

        assert service.get_value("x") is None
        with pytest.raises(ConnectionError):
            service.list_values(prefix="x")
        with pytest.raises(ConnectionError):
            service.set_value("x", "2")
        assert service.delete_value("x") is False
        store.down = False
        assert service.get_value("x") == "1"

    def test_deleted(self, service):
        """A deletion says whether there was something."""
        service.set_value("x", "1")

        assert service.delete_value("x") is True
        assert service.delete_value("x") is False
        assert service.get_value("x") is None

    def test_secret(self, store, service):
        """A secret lies encrypted, and comes so."""
        store.put("x", SECRET, secret=True)

        assert SECRET not in service.get_value("x", local=False)
        assert SECRET not in service.list_values(local=False, prefix="x")[0].value

    def test_pages(self, service):
        """Without a limit no more than 100 values come, StackStorm's largest page."""
        for number in range(103):
            service.set_value(f"k{number:03}", number)

        assert len(service.list_values(prefix="k")) == 100
        assert [i.value for i in service.list_values(limit=2, offset=100)] == ["100", "101"]


class TestPayload:
    """What happens to a payload on dispatch."""

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"text": None},
            {"untyped": "a"},
            {"untyped": None},
            {"nullable": "a"},
            {"tags": ["a"]},
            {"tags": None},
            {"hours": 1},
            {"hours": 1.5},
            {"hours": None},
            {"nested": {"inner": None, "more": 1}},
        ],
    )
    def test_fits(self, standin, changes):
        """Null is accepted for optional properties, nested ones too; numbers may be integers."""
        standin.told("demo.tick", tick(**changes))

        assert standin.dropped == []
        assert tick(**changes) == standin.triggers[0].payload

    @pytest.mark.parametrize(
        "changes",
        [
            {"number": 1.0},
            {"number": True},
            {"number": "1"},
            {"number": None},
            {"nullable": 5},
            {"text": 5},
            {"untyped": 5},
            {"tags": ["a", None]},
            {"tags": ("a",)},
            {"hours": True},
            {"nested": {"inner": 5}},
            {"extra": 1},
        ],
    )
    def test_misses(self, standin, changes):
        """The trigger is dropped with the reason, and nothing is raised."""
        standin.enable_all_rules()

        assert standin.told("demo.tick", tick(**changes)) == []
        assert standin.triggers == []
        assert standin.dropped[0].reason

    @pytest.mark.parametrize("missing", ["number", "nullable"])
    def test_required_missing(self, standin, missing):
        """A property with required: true must be there."""
        standin.told("demo.tick", {k: v for k, v in tick().items() if k != missing})

        assert f"'{missing}'" in standin.dropped[0].reason

    def test_unknown_trigger(self, standin):
        """A trigger nobody declared is dropped."""
        standin.told("demo.tock", {})

        assert "demo.tock" in standin.dropped[0].reason

    def test_schema_of_a_later_draft(self, standin):
        """A schema with required: [name] is wrong, so every payload is dropped."""
        standin.told("demo.wrong", {"number": 1})

        assert len(standin.dropped) == 1

    def test_no_schema(self, standin):
        """Without a schema anything passes that JSON can carry."""
        standin.told("demo.loose", {"anything": [1, {"a": None}]})
        standin.told("demo.loose", {"when": datetime(2026, 1, 1, tzinfo=timezone.utc)})

        assert (len(standin.triggers), len(standin.dropped)) == (1, 1)

    def test_dispatch_answers_none(self, standin):
        """The sensor's dispatch answers None, dropped or not."""
        service = standin.start_sensor("TickerSensor").sensor_service

        assert service.dispatch("demo.tick", {}) is None
        assert service.dispatch("demo.tick", tick(), "t") is None
        assert [trigger.trace_tag for trigger in standin.triggers] == ["t"]


class TestDialect:
    """StackStorm's dialect of JSON Schema."""

    def test_defaults(self):
        """Defaults are filled in, nested ones too, for null as for absent."""
        schema = {
            "type": "object",
            "properties": {
                "a": {"type": "integer", "default": 3, "required": True},
                "b": {"type": "object", "properties": {"c": {"type": "string", "default": "x"}}},
            },
        }

        assert validate({"a": None, "b": {}}, schema) == {"a": 3, "b": {"c": "x"}}

    @pytest.mark.parametrize(
        ("prop", "value"),
        [
            ({"const": 5}, "any text"),
            ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, 1),
            ({"type": "integer", "examples": [1]}, 1),
        ],
    )
    def test_accepted(self, prop, value):
        """Draft 4 with booleans for exclusive limits; later keywords are ignored."""
        schema = {"type": "object", "properties": {"p": prop}}

        assert {"p": value} == validate({"p": value}, schema)

    def test_numeric_exclusive_limit(self):
        """ExclusiveMinimum as a number is of draft 6, and makes the schema wrong."""
        with pytest.raises(MISFIT, match="exclusiveMinimum"):
            validate({"p": 1}, {"properties": {"p": {"minimum": 0, "exclusiveMinimum": 0}}})


def meets(operator, value, pattern):
    criteria = {"trigger.v": {"type": operator, "pattern": pattern}}
    check_criteria(criteria)
    return matches(criteria, {"v": value})


class TestRules:
    """Which triggers a rule takes, and what it makes of them."""

    @pytest.mark.parametrize(
        ("operator", "value", "pattern", "expected"),
        [
            ("eq", 5, 5, True),
            ("eq", 5, "5", False),
            ("eq", None, "x", False),
            ("gt", 3, 2, True),
            ("gt", 2, 2, False),
            ("gt", 2.5, 2, True),
            ("lt", 1, 2, True),
            ("lt", 2, 2, False),
            ("inside", "a", ["a", "b"], True),
            ("inside", "c", ["a", "b"], False),
            ("inside", "ell", "hello", True),
            ("ninside", "c", ["a", "b"], True),
            ("ninside", None, ["a", "b"], True),
            ("contains", ["a", "b"], "a", True),
            ("contains", "hello", "ell", True),
            ("ncontains", ["a"], "b", True),
            ("regex", "xabc", "a", True),
            ("regex", "a\nd", "a.d", False),
        ],
    )
    def test_operators(self, operator, value, pattern, expected):
        """Each operator compares as StackStorm's does."""
        assert expected == meets(operator, value, pattern)

    def test_every_operator_is_tested(self):
        """The table above leaves no operator out."""
        mark = TestRules.test_operators.pytestmark[0]

        assert set(OPERATORS) == {row[0] for row in mark.args[1]}

    @pytest.mark.parametrize(
        ("operator", "value", "pattern"),
        [
            ("gt", None, 2),
            ("lt", None, 2),
            ("gt", "5", 2),
            ("lt", [1], 2),
            ("contains", None, "a"),
            ("regex", None, "a"),
            ("regex", 5, "a"),
            ("inside", 5, "text"),
            ("regex", "a", "("),
        ],
    )
    def test_comparison_raises(self, operator, value, pattern):
        """Null, or text against a number, raises: no match, and a failed enforcement."""
        with pytest.raises(RequestError, match=r"trigger\.v"):
            meets(operator, value, pattern)

    @pytest.mark.parametrize(
        ("operator", "pattern"), [("gte", 1), ("eq", None), ("eq", "{{ trigger.other }}")]
    )
    def test_criterion_refused(self, operator, pattern):
        """Operators that are not here, null, and templates as patterns are refused, not guessed."""
        with pytest.raises(ValueError, match=operator):
            meets(operator, 1, pattern)

    @pytest.mark.parametrize("key", ["trigger.a.b", "trigger.a.b#2"])
    def test_keys(self, key):
        """Keys reach into objects, and may be told apart by a suffix."""
        assert matches({key: {"type": "eq", "pattern": 1}}, {"a": {"b": 1}})

    def test_two_criteria_on_one_key(self, standin):
        """With a suffix a value is held between two limits, and types reach the action."""
        standin.enabled.add("demo.direct")

        standin.told("demo.tick", tick(number=1))
        standin.told("demo.tick", tick(number=9))
        (ran,) = standin.told("demo.tick", tick(text="t", tags=["a"], nested={"b": 1}))

        assert ran.parameters == {"text": "t", "items": ["a"], "data": {"b": 1}}

    def test_mistyped_payload(self, standin):
        """Each trigger whose comparison raises leaves a failed enforcement, and no execution."""
        standin.enabled.add("demo.mistyped")

        standin.told("demo.loose", {"age": None})

        assert standin.executions == []
        assert "TypeError" in standin.enforcements[0].failure_reason

    def test_parameter_does_not_cast(self, standin):
        """Parameters are cast to the action's types; what does not cast fails the enforcement."""
        standin.enabled.add("demo.mistyped")

        standin.told("demo.loose", {"age": 3, "age_text": "three"})
        standin.told("demo.loose", {"age": 3, "age_text": "3"})

        assert "cast to integer" in standin.enforcements[0].failure_reason
        assert standin.executions[0].parameters["number"] == 3
        assert standin.executions[0].id == standin.enforcements[1].execution_id

    def test_parameter_does_not_render(self, standin):
        """A broken template is a failed enforcement."""
        standin.enabled.add("demo.mistyped")

        standin.told("demo.loose", {"age": 3})

        assert "age_text" in standin.enforcements[0].failure_reason

    def test_config_in_parameters(self, standin):
        """An action's parameters may use the pack's configuration."""
        standin.enabled.add("demo.literal")

        (ran,) = standin.told("demo.loose", {"text": "plain"})

        assert ran.parameters["data"] == {"raw": "plain", "token": SECRET}

    def test_quote_in_object_literal(self, standin):
        """A quotation mark in text breaks an object literal around it."""
        standin.enabled.add("demo.literal")

        standin.told("demo.loose", {"text": 'say "hi"'})

        assert "Failed to render" in standin.enforcements[0].failure_reason
        assert standin.executions == []


class TestActions:
    """Requests for actions, and what becomes of their answers."""

    def test_defaults_and_absent(self, standin):
        """run() gets every declared parameter: defaults, and None for what is absent."""
        ran = standin.run("demo.typed", number="5")

        expected = {"number": 5, "ratio": None, "flag": False, "colour": "red", "code": None}
        assert expected == ran.result["result"]
        assert ran.status == "succeeded"

    @pytest.mark.parametrize(
        ("parameters", "fault"),
        [
            ({}, "number"),
            ({"number": 1, "unknown": 1}, "unknown"),
            ({"number": "one"}, "integer"),
            ({"number": None}, "None"),
            ({"number": 1, "colour": "blue"}, "blue"),
            ({"number": 1, "code": "abc"}, "abc"),
            ({"number": 1, "code": 5}, "string"),
            ({"number": 1, "flag": "maybe"}, "boolean"),
        ],
    )
    def test_refused(self, standin, parameters, fault):
        """A request that does not fit is refused, and no execution is made of it."""
        with pytest.raises(RequestError, match=fault):
            standin.run("demo.typed", **parameters)
        assert standin.executions == []

    def test_unknown_action(self, standin):
        """Folders below actions/ are not searched."""
        with pytest.raises(RequestError, match=r"demo\.hidden"):
            standin.run("demo.hidden")

    @pytest.mark.parametrize(
        "template", ["{{ nope }}", "{{ 1 / 0 }}", "{{ action_context.x + 1 }}"]
    )
    def test_broken_template(self, standin, template):
        """A template that cannot be rendered is refused."""
        with pytest.raises(RequestError, match="Failed to render"):
            standin.run("demo.echo", text=template)

    def test_braces_that_are_no_template(self, standin):
        """Text with braces that Jinja cannot parse stays as it is."""
        assert standin.run("demo.echo", text="{{ if (").result["result"]["text"] == "{{ if ("

    @pytest.mark.parametrize(
        ("how", "code", "result"),
        [
            ("raises", 1, "None"),
            ("says_no", 0, {"kind": "temporary"}),
        ],
    )
    def test_failures(self, standin, how, code, result):
        """An exception is exit code 1 and the text None; (False, data) keeps the data."""
        ran = standin.run("demo.misbehave", how=how)

        assert ("failed", code) == (ran.status, ran.result["exit_code"])
        assert result == ran.result["result"]

    @pytest.mark.parametrize("how", ["not_json", "status_is_text"])
    def test_wrong_answers(self, standin, how):
        """A status that is no boolean, and a result that JSON cannot carry, fail the action."""
        assert standin.run("demo.misbehave", how=how).status == "failed"

    def test_traceback(self, standin):
        """The traceback is in stderr, what was printed in stdout."""
        result = standin.run("demo.misbehave", how="raises").result

        assert "LookupError: lost" in result["stderr"]
        assert result["stdout"] == "bye\n"

    def test_parameters_stay_as_given(self, standin):
        """What is listed does not change when the action empties its own copy."""
        ran = standin.run("demo.misbehave", how="empties", items=[1])

        assert ran.result["result"] == {"left": []}
        assert ran.parameters["items"] == [1]

    def test_output_schema(self, standin):
        """A result that misses the action's output schema is recorded, and still succeeds."""
        good, bad = standin.run("demo.typed", number=1), standin.run("demo.echo", data={"a": 1})

        assert (good.status, good.problem) == ("succeeded", "")
        assert bad.status == "succeeded"
        assert bad.problem == "None is not of type 'string'"

    def test_entry_point_outside(self, standin):
        """An entry point outside actions/ registers, and fails when it is run."""
        assert "Invalid file path" in standin.run("demo.outside").result["error"]


class TestWorkflows:
    """Workflows, through the real orquesta."""

    def test_retry(self, standin):
        """A task is tried again as its retry says, without waiting."""
        assert standin.run("demo.retrying").result == {"output": {"tries": 3}}

    @pytest.mark.parametrize(
        ("number", "status", "tasks"),
        [(10, "failed", 3), (0, "succeeded", 3), (5, "succeeded", 3), (2, "failed", 4)],
    )
    def test_branches(self, standin, number, status, tasks):
        """Branches join; the commands fail and noop end it; an unhandled failure fails it."""
        assert status == standin.run("demo.branches", number=number).status
        assert tasks == len(standin.executions) - 1

    def test_workflow_in_workflow(self, standin):
        """A workflow may be a task; each execution names its parent."""
        ran = standin.run("demo.outer", text="a")

        assert ran.result == {"output": {"said": "a"}}
        assert [execution.parent for execution in standin.executions] == [None, "e1", "e2"]

    def test_default_of_input(self, standin):
        """A workflow's own input defaults apply to what the action does not declare."""
        standin.datastore.put("text.1", "x")

        assert standin.run("demo.careful", number=1).result == {"output": {"number": 4}}

    def test_task_refused(self, standin):
        """A task whose parameter does not cast fails the workflow, and runs nothing."""
        ran = standin.run("demo.pass_text", text="<% 7 * 7 %>")

        assert ran.status == "failed"
        assert "49" in ran.result["errors"][0]["message"]
        assert len(standin.executions) == 1


class TestHostileText:
    """Where StackStorm evaluates text again, and where it does not."""

    @pytest.mark.parametrize("theft", [YAQL_THEFT, JINJA_THEFT])
    def test_rule_to_workflow_input_leaks(self, standin, theft):
        """Orquesta evaluates a workflow's input: the secret arrives in the task."""
        standin.enabled.add("demo.through")

        workflow, echo = standin.told("demo.tick", tick(text=theft))

        assert theft == workflow.parameters["text"]
        assert echo.parameters["text"] == SECRET

    @pytest.mark.parametrize("text", ["{{ nope }}", "<% nope() %>", "{{ 7*7 }}"])
    def test_harmless_braces_break_a_workflow(self, standin, text):
        """Braces in text make the workflow fail that it is passed to."""
        standin.enabled.add("demo.through")

        assert standin.told("demo.tick", tick(text=text))[0].status == "failed"

    @pytest.mark.parametrize("mark", ["<% ctx() %>", "a <% ctx().number %> b"])
    def test_text_reads_the_context(self, standin, mark):
        """A published text is evaluated with the workflow's whole context in reach."""
        standin.datastore.put("text.7", mark)
        ran = standin.run("demo.publish_text", number=7)

        assert mark not in str(standin.executions[-1].parameters) + str(ran.result)

    def test_published_result_leaks(self, standin):
        """YAQL evaluates a string result again: an action's text reads the datastore."""
        standin.datastore.put("text.1", YAQL_THEFT)

        standin.run("demo.publish_text", number=1)

        assert standin.executions[-1].parameters["text"] == SECRET

    @pytest.mark.parametrize(
        "theft", ["{{ config_context.token }}", "{{ st2kv.system.token | decrypt_kv }}"]
    )
    def test_task_parameters_leak(self, standin, theft):
        """StackStorm renders a task's parameters as Jinja after Orquesta is done with them."""
        standin.datastore.put("text.1", theft)

        standin.run("demo.publish_text", number=1)

        assert standin.executions[-1].parameters["text"] == SECRET

    def test_request_leaks(self, standin):
        """Parameters given by hand are templates too."""
        ran = standin.run("demo.echo", text="", data={"deep": ["{{ config_context.token }}"]})

        assert ran.parameters["data"] == {"deep": [SECRET]}

    @pytest.mark.parametrize(
        "text", [YAQL_THEFT, JINJA_THEFT, "{{ config_context.token }}", "{% raw %}", '"{{ 7*7 }}"']
    )
    def test_rule_to_python_action_is_safe(self, standin, text):
        """Straight to a python-script action text, objects and arrays keep every mark and quote."""
        standin.enabled.add("demo.direct")

        (ran,) = standin.told("demo.tick", tick(text=text, tags=[text], nested={"inner": text}))

        assert text == ran.result["result"]["text"]
        assert ([text], {"inner": text}) == (ran.parameters["items"], ran.parameters["data"])

    @pytest.mark.parametrize("text", [YAQL_THEFT, "{{ config_context.token }}", "{{ nope }}"])
    def test_result_that_stays_in_place_is_safe(self, standin, text):
        """A result that no expression turns into text is not evaluated, only compared."""
        standin.datastore.put("text.1", text)

        ran = standin.run("demo.careful", number=1)

        assert ran.status == "succeeded"
        assert SECRET not in str(ran.result)

    def test_plain_value_is_not_decrypted(self, standin):
        """Without decrypt_kv a template gets the ciphertext."""
        ran = standin.run("demo.echo", text="{{ st2kv.system.token }}")

        assert ran.parameters["text"]
        assert SECRET not in ran.parameters["text"]


class TestConfiguration:
    """The pack's configuration."""

    def make(self, clock, **config):
        """The configuration the pack gets of this one."""
        standin = StandIn(PACK, {**CONFIG, **config}, {"token": SECRET}, clock=clock)
        standin.datastore.put("plain", "value")
        return standin.config()

    def test_nested_secret(self, clock):
        """Secrets are decrypted at any depth, and defaults added beside them."""
        config = self.make(clock, server={"password": "{{ st2kv.system.token }}"})

        assert config["server"] == {"password": SECRET, "port": 25}

    def test_template_in_default(self, clock):
        """Defaults come after rendering: a template in one arrives as it is written."""
        assert self.make(clock)["hint"] == "{{ st2kv.system.plain }}"

    def test_template_in_value(self, clock):
        """A value that is not secret is looked up and not decrypted; an absent one is None."""
        assert self.make(clock, greeting="{{ st2kv.system.plain }}")["greeting"] == "value"
        assert self.make(clock, greeting="{{ st2kv.system.absent }}")["greeting"] is None

    @pytest.mark.parametrize(
        "config", [{"count": "{{ st2kv.system.plain }}"}, {"count": 1.5}, {"token": None}]
    )
    def test_refused(self, clock, config):
        """Wrong types, and templates for what is no string, are refused."""
        with pytest.raises(ValueError, match=f"config, {next(iter(config))}"):
            self.make(clock, **config)

    def test_plain_secret_of_the_datastore(self, standin):
        """A secret whose datastore value was stored unencrypted cannot be read."""
        standin.datastore.put("token", "open")

        with pytest.raises(ValueError, match="not encrypted"):
            standin.config()

    def test_each_reader_gets_its_own(self, standin):
        """Each reading of the configuration is a new one."""
        standin.config()["server"]["port"] = 0

        assert standin.config()["server"]["port"] == 25


class TestRegistration:
    """What is found in a pack, and what is refused."""

    def test_found(self):
        """Everything is found by reference."""
        pack = Pack(PACK)

        assert pack.ref == "demo"
        assert {"demo.tick", "demo.loose", "demo.wrong"} == set(pack.triggers)
        assert {"TickerSensor", "BlindSensor"} == set(pack.sensors)
        assert {"demo.direct", "demo.through", "demo.literal", "demo.mistyped"} == set(pack.rules)

    def test_file_that_is_refused(self, tmp_path):
        """A rule with an operator that is not known does not register; its criterion is named."""
        (tmp_path / "rules").mkdir()
        (tmp_path / "pack.yaml").write_text("ref: p")
        (tmp_path / "config.schema.yaml").write_text("{}")
        rule = "name: r\ncriteria: {trigger.x: {type: gte, pattern: 1}}"
        (tmp_path / "rules" / "r.yaml").write_text(rule)

        with pytest.raises(ValueError, match=r"trigger\.x: .* gte of 1"):
            Pack(tmp_path)

    @pytest.mark.parametrize("entry_point", ["../workflows/x.yaml", "./x.py", "a/../x.py", "/x.py"])
    def test_entry_points_refused(self, entry_point):
        """An entry point is judged by its text: nothing but a plain path below actions/."""
        with pytest.raises(ValueError, match="Invalid file path"):
            Pack(PACK).entry_path(entry_point)

    def test_entry_point(self):
        """A plain path lies below actions/."""
        found = Pack(PACK).entry_path("workflows/x.yaml")

        assert PACK.resolve() / "actions" / "workflows" / "x.yaml" == found
