"""A fake of StackStorm's API, as far as executions and traces go, and of one pack on it.

Written from StackStorm's sources (3.9: ``st2api/controllers/v1/actionexecutions.py`` and
``traces.py``, ``st2common/util/param.py``, ``st2common/services/trace.py``), and compared once with
the answers of a running one. The pack ``desk`` is made up: its actions keep tickets in memory.

- An execution is taken at once and ends later: every GET, of whatever, brings all that are under
  way one step on. What an action does, it does at the last step.
- Parameters with ``{{`` or ``{%`` in them are rendered, with the datastore at hand.
- A trace tag makes a trace of its own for every execution.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import jinja2

from fake_http import FakeServer, Handler, Reply, Sent

TOKEN = "3f2a9d64c1b84e0fa5d7"
SECRET = "the datastore's secret"
STEPS = ("requested", "scheduled", "running")
PAGE = 100
TYPES = {"string": str, "array": list, "object": dict, "integer": int, "boolean": bool}
Run = Callable[..., Any]


class FailureError(Exception):
    """What an action of the pack fails with; ``status`` is the execution's."""

    def __init__(self, message: str, status: str = "failed") -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Action:
    """An action's metadata, types by parameter (``!`` for required), and what it does."""

    parameters: Dict[str, str]
    run: Run
    enabled: bool = True
    allowed: bool = True
    slow: int = 0
    """Further steps that it takes."""


@dataclass
class Execution:
    """One execution."""

    id: str
    ref: str
    parameters: Dict[str, Any]
    tag: str
    number: int
    status: str = "requested"
    result: Any = None
    steps: int = 0

    def told(self) -> Dict[str, Any]:
        """As the API shows it."""
        shown = {
            "id": self.id,
            "action": {"ref": self.ref},
            "parameters": self.parameters,
            "status": self.status,
            "start_timestamp": f"2026-03-02T09:00:00.{self.number:06d}Z",
        }
        return shown if self.result is None else {**shown, "result": self.result}


@dataclass
class Ticket:
    """A ticket of the made-up tracker."""

    number: int
    title: str
    text: str
    tags: List[str]
    who: str
    made: float
    state: str = "New"
    resolution: Optional[str] = None
    remarks: List[str] = field(default_factory=list)
    links: List[str] = field(default_factory=list)
    by: str = "review-bot"

    @property
    def id(self) -> str:
        """Such as ``OPS-7``."""
        return f"OPS-{self.number}"

    def told(self) -> Dict[str, Any]:
        """As the pack shows it."""
        return {
            "ref": self.id,
            "serial": self.number,
            "href": f"https://desk.example.org/t/{self.number}",
            "title": self.title,
            "text": self.text,
            "by": {"login": self.by},
            "tags": [{"name": tag} for tag in self.tags],
            "who": {"login": self.who} if self.who else None,
            "state": self.state,
            "resolution": self.resolution,
            "made": "2026-03-02T09:00:00.000+0100",
            "ended": "2026-03-02 11:00:00" if self.state == "Closed" else None,
        }


class Board:
    """The made-up tracker behind the pack ``desk``. Its one place is ``ops``."""

    people = ("committee1", "committee2")

    def __init__(self) -> None:
        self.tickets: Dict[str, Ticket] = {}
        self.numbers = itertools.count(1)
        self.clock: Callable[[], float] = lambda: 0.0
        self.hidden = 0.0
        self.drops: Dict[str, bool] = {}

    def actions(self) -> Dict[str, Action]:
        """The pack's actions."""
        by_id = {"ticket": "string!"}
        return {
            "desk.search": Action({"place": "string!", "tag": "string!"}, self.search),
            "desk.search_text": Action({"place": "string!", "words": "string!"}, self.search_text),
            "desk.open": Action(
                {
                    "place": "string!", "title": "string!", "text": "string", "tags": "array",
                    "who": "string",
                },
                self.open,
            ),
            "desk.show": Action(by_id, lambda ticket: self.ticket(ticket).told()),
            "desk.say": Action({**by_id, "text": "string!"}, self.say),
            "desk.said": Action(by_id, self.said),
            "desk.end": Action(
                {**by_id, "how": "string", "untag": "string", "like": "string"}, self.end
            ),
            "desk.again": Action(by_id, self.again),
            "desk.give": Action({**by_id, "who": "string!"}, self.give),
            "desk.me": Action({"secret": "string"}, self.me),
        }  # fmt: skip

    def ticket(self, ticket: str) -> Ticket:
        """A ticket there is."""
        if ticket not in self.tickets:
            raise FailureError(f"{ticket} does not exist")
        return self.tickets[ticket]

    def me(self, secret: str = "") -> Any:
        """Who the credential belongs to."""
        if secret != "desk-token":
            raise FailureError(f"HTTP 401 Unauthorized for {secret}")
        return {"login": "review-bot"}

    def search(self, place: str, tag: str) -> Any:
        """Tickets with a tag, by a search index that may lag."""
        return self._rows(place, lambda one: tag in one.tags)

    def search_text(self, place: str, words: str) -> Any:
        """Tickets with a word in their text."""
        return self._rows(place, lambda one: words in one.text)

    def _rows(self, place: str, fits: Callable[[Ticket], bool]) -> Any:
        self._place(place)
        old = self.clock() - self.hidden
        rows = [one for one in self.tickets.values() if fits(one) and one.made <= old]
        return {"rows": [one.told() for one in reversed(rows)]}

    @staticmethod
    def _place(place: str) -> None:
        if place != "ops":
            raise FailureError(f"place {place} does not exist")

    def open(
        self,
        place: str,
        title: str,
        text: str = "",
        tags: Optional[List[str]] = None,
        who: str = "",
    ) -> Any:
        """A new ticket."""
        self._place(place)
        self._known(who)
        kept = [tag for tag in tags or [] if not self.drops.get(tag[:4])]
        who = "" if self.drops.get("who") else who
        ticket = Ticket(next(self.numbers), title, text, kept, who, self.clock())
        self.tickets[ticket.id] = ticket
        return {"ref": ticket.id}

    def add(self, title: str, tags: List[str], by: str) -> Ticket:
        """A ticket that somebody opens without StackStorm."""
        ticket = Ticket(next(self.numbers), title, "It waits.", tags, "", self.clock(), by=by)
        self.tickets[ticket.id] = ticket
        return ticket

    def _known(self, who: str) -> None:
        if who and who not in self.people:
            raise FailureError(f"{who} is nobody here")

    def say(self, ticket: str, text: str) -> Any:
        """A remark."""
        self.ticket(ticket).remarks.append(text)

    def said(self, ticket: str) -> Any:
        """All remarks."""
        remarks = self.ticket(ticket).remarks
        return [{"nr": nr, "remark": text, "by": "review-bot"} for nr, text in enumerate(remarks)]

    def end(self, ticket: str, how: str = "Done", untag: str = "", like: str = "") -> Any:
        """Close; twice is an error."""
        found = self.ticket(ticket)
        if found.state == "Closed":
            raise FailureError(f"{ticket} is closed: no transition End")
        found.state, found.resolution = "Closed", how
        found.tags = [tag for tag in found.tags if tag != untag]
        found.links += [like] if like else []

    def again(self, ticket: str) -> Any:
        """Reopen; what is open is refused."""
        found = self.ticket(ticket)
        if found.state != "Closed":
            raise FailureError(f"{ticket} is open: no transition Again")
        found.state, found.resolution = "New", None

    def give(self, ticket: str, who: str) -> Any:
        """Assign."""
        self._known(who)
        self.ticket(ticket).who = who


class FakeSt2(FakeServer):
    """StackStorm with the pack ``desk``."""

    host = "https://st2.example.org"

    def __init__(self) -> None:
        super().__init__()
        self.board = Board()
        self.actions = self.board.actions()
        self.executions: Dict[str, Execution] = {}
        self.traces: List[Tuple[str, Execution]] = []
        self.stuck = False
        """True: nothing that is under way comes any further."""

    def routes(self) -> List[Tuple[str, str, Handler]]:
        """Methods and paths."""
        return [
            ("POST", "/api/v1/executions", self.post),
            ("GET", "/api/v1/executions", self.listing),
            ("GET", "/api/v1/executions/([^/]+)", self.get),
            ("GET", "/api/v1/traces", self.trace_listing),
            ("GET", "/api/v1/actions/([^/]+)", self.described),
        ]

    def answer(self, sent: Sent) -> Reply:
        """Nothing without a token; a GET brings what is under way one step on."""
        token = sent.headers.get("X-Auth-Token")
        if token != TOKEN:
            return fault(401, "Unauthorized" + " - One of Token or API key required." * (not token))
        if sent.method == "GET" and not self.stuck:
            self.step()
        return super().answer(sent)

    def not_found(self, _sent: Sent) -> Reply:
        """As the router says it."""
        return fault(404, "The resource could not be found.")

    def step(self) -> None:
        """One step for all that is under way."""
        for one in self.executions.values():
            if one.status in STEPS[:-1]:
                one.status = STEPS[STEPS.index(one.status) + 1]
            elif one.status == "running":
                one.steps += 1
                if one.steps > self.actions[one.ref].slow:
                    self.end(one)

    def end(self, one: Execution) -> None:
        """Do what the action does, as the python runner would tell of it."""
        output: Dict[str, Any] = {"stdout": "", "stderr": "", "exit_code": 0, "result": None}
        try:
            output["result"] = self.actions[one.ref].run(**one.parameters)
            one.status = "succeeded"
        except FailureError as err:
            trace = f"Traceback (most recent call last):\n  ...\nDeskError: {err}\n"
            output.update(stderr=trace, exit_code=1, result="None")
            one.status = err.status
        one.result = output

    # -- the API -------------------------------------------------------------------------------

    def post(self, sent: Sent) -> Reply:
        """Take an execution."""
        body: Dict[str, Any] = sent.body
        assert set(body) <= {"action", "parameters", "context"}, "a field StackStorm does not know"
        context = body.get("context", {})
        assert set(context) <= {"trace_context"}
        action = self.actions.get(body["action"])
        if action is None:
            return fault(400, f'Action "{body["action"]}" cannot be found.')
        if not action.allowed:
            return fault(403, 'User "stanley" does not have the permission "action_execute"')
        if not action.enabled:
            return fault(400, f'Unable to execute. Action "{body["action"]}" is disabled.')
        try:
            parameters = {name: rendered(value) for name, value in body["parameters"].items()}
            checked(parameters, action.parameters)
        except (ValueError, jinja2.UndefinedError) as err:
            return fault(400, str(err))
        number = len(self.executions) + 1
        tag = context.get("trace_context", {}).get("trace_tag", f"execution-{number}")
        one = Execution(f"6b057f0385e10eaca{number:07x}", body["action"], parameters, tag, number)
        self.executions[one.id] = one
        self.traces.insert(0, (tag, one))
        return Reply(201, one.told())

    def get(self, sent: Sent, number: str) -> Reply:
        """One execution."""
        if number not in self.executions:
            return fault(404, f'Unable to identify resource with id "{number}".')
        return Reply(200, chosen(self.executions[number].told(), sent, ()))

    def described(self, _sent: Sent, ref: str) -> Reply:
        """One action's metadata."""
        if ref not in self.actions:
            return fault(404, f"Action with ref {ref} not found.")
        return Reply(200, {"ref": ref, "enabled": self.actions[ref].enabled})

    def listing(self, sent: Sent) -> Reply:
        """Executions by their ids, which stand in one value with commas between them."""
        wanted = sent.query["id"].split(",")
        found = [one for one in self.executions.values() if one.id in wanted]
        return Reply(200, [chosen(one.told(), sent, ("id",)) for one in page(found[::-1], sent)])

    def trace_listing(self, sent: Sent) -> Reply:
        """Traces, newest first, by their exact tag."""
        tag = sent.query.get("trace_tag")
        assert set(sent.query) <= {"trace_tag", "limit", "offset"}
        rows = [
            {"trace_tag": told, "action_executions": [{"object_id": one.id, "ref": one.ref}]}
            for told, one in self.traces
            if tag in (None, told)
        ]
        return Reply(200, page(rows, sent))


def fault(status: int, text: str) -> Reply:
    """An error as ``st2common/middleware/error_handling.py`` writes it."""
    return Reply(status, {"faultstring": text})


def page(rows: List[Any], sent: Sent) -> List[Any]:
    """At most a hundred rows."""
    limit, offset = int(sent.query.get("limit", PAGE)), int(sent.query.get("offset", 0))
    assert limit <= PAGE, "StackStorm answers 403 to a limit above max_page_size"
    return rows[offset:][:limit]


def chosen(told: Dict[str, Any], sent: Sent, more: Tuple[str, ...]) -> Dict[str, Any]:
    """The attributes that were asked for, and the id."""
    known = {"id", "limit", "offset", "include_attributes"} if more else {"include_attributes"}
    assert set(sent.query) <= known
    wanted = {name.partition(".")[0] for name in sent.query["include_attributes"].split(",")}
    return {name: value for name, value in told.items() if name in wanted | {"id"}}


def rendered(value: Any) -> Any:
    """A parameter after ``render_live_params``: a template anywhere in it makes all of it one."""
    text = value if isinstance(value, str) else str(value)
    if "{{" not in text and "{%" not in text:
        return value
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    try:
        template = environment.from_string(text)
    except jinja2.TemplateSyntaxError:
        return value
    return template.render(st2kv={"system": {"x": SECRET}})


def checked(parameters: Mapping[str, Any], schema: Mapping[str, str]) -> None:
    """As the metadata's JSON schema would: required, of the type, and nothing else."""
    for name, kind in schema.items():
        if kind.endswith("!") and name not in parameters:
            raise ValueError(f"'{name}' is a required property")
    for name, value in parameters.items():
        if name not in schema:
            raise ValueError(f"Additional properties are not allowed ('{name}' was unexpected)")
        kind = schema[name].rstrip("!")
        if value is not None and not isinstance(value, TYPES[kind]):
            raise ValueError(
                f'Value "{value}" must either be a {kind} or None. Got "{type(value).__name__}".'
            )
        assert re.fullmatch(r"\w+", name)
