"""What holds with every kind of tracker alike, whatever its settings and whatever it is answered.

The kinds are those that the package has, and the fakes those that have a ``rig_<kind>``: nothing is
listed here.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import json
import pkgutil
import re
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Iterator, List, Mapping, Set, Tuple, Type, Union

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fake_http import Reply, response_of
from reviewloop.errors import (
    AmbiguousError,
    ConfigError,
    ProtocolError,
    ReviewLoopError,
    TemporaryError,
)
from reviewloop.http.messages import Request, Response
from reviewloop.http.transport import Transport
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers import adapters, answers, parse
from reviewloop.trackers.base import Tracker, check_settings, setting_problems
from reviewloop.trackers.factory import ADAPTERS
from reviewloop.trackers.settings import TrackerSettings
from reviewloop.trackers.tickets import CloseReason, Ticket
from trackers_fixtures import FAKES
from trackers_rig import NOW, Rig, draft, fresh_key

TEXTS = ("url", "project", "username", "token")
"""The settings that are texts, which ``forms`` may be about."""
NEEDED = (*TEXTS, "actions")
SECRET = "s3cretT0ken"
KEY = "grv-0123456789abcdef"


def _kinds() -> List[Type[Tracker]]:
    """The adapters of the package, whether the factory knows them yet or not."""
    found = pkgutil.walk_packages(adapters.__path__, f"{adapters.__name__}.")
    modules = [importlib.import_module(one.name) for one in found]
    return [
        one
        for module in modules
        for one in vars(module).values()
        if inspect.isclass(one) and one.__module__ == module.__name__ and _is_adapter(one)
    ]


def _is_adapter(one: type) -> bool:
    return issubclass(one, Tracker) and not inspect.isabstract(one) and "kind" in vars(one)


KINDS = _kinds()
alike = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.kind))
any_kind = st.sampled_from(KINDS)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
tokens = st.sampled_from(["", SECRET, f"bot:{SECRET}", f" {SECRET}\n", f"{SECRET} {SECRET}"])
words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)


# -- what an adapter declares ----------------------------------------------------------------------


def test_the_package_has_them_all() -> None:
    """Every kind that can be configured is looked at here, under its own name, and no two share
    one.
    """
    names = [kind.kind for kind in KINDS]

    assert len(set(names)) == len(names)
    assert {name: kind for name, kind in ADAPTERS.items() if kind not in KINDS} == {}
    assert all(name == kind.kind for name, kind in ADAPTERS.items())
    assert {type(make().tracker()) for make in FAKES.values()} <= set(KINDS)


@alike
def test_what_a_kind_says_of_itself(kind: Type[Tracker]) -> None:
    """Its name fits a setting's value, and what it hints at is a sentence."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*", kind.kind)
    assert kind.drops_hint == "" or kind.drops_hint.endswith(".")


@pytest.mark.parametrize("fake", list(FAKES))
def test_limits_are_limits(fake: str) -> None:
    """A tracker that was made has room for a title and a body, and a lag to be waited for."""
    tracker = FAKES[fake]().tracker()

    assert tracker.body_format in tuple(BodyFormat)
    assert 80 <= tracker.title_limit <= 1024
    assert 1000 <= tracker.body_limit <= 1_048_576
    assert 0 <= tracker.lag <= 600


@alike
def test_what_a_kind_needs(kind: Type[Tracker]) -> None:
    """``needs`` and ``forms`` are about settings that there are, each named once."""
    assert set(kind.needs) <= set(NEEDED)
    assert len(set(kind.needs)) == len(kind.needs)
    assert set(kind.forms) <= set(TEXTS)
    assert all(form.shape for form in kind.forms.values())


@alike
def test_options_agree_with_themselves(kind: Type[Tracker]) -> None:
    """A default and an example are what the option itself asks for; what is required has no
    default; the sentence about it is one.
    """
    for name, option in kind.options.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert option.about[:1].isupper(), name
        assert option.about.endswith("."), name
        assert option.example, name
        assert not (option.required and option.default), name
        if option.form:
            assert option.form.shape, name
            assert option.form.pattern.fullmatch(option.example), name
            assert not option.default or option.form.pattern.fullmatch(option.default), name


@alike
def test_a_project_stays_in_its_place(kind: Type[Tracker]) -> None:
    """No form for what may go into addresses takes a line break, or a way up in a path."""
    forms = [kind.forms[name] for name in ("project", "username") if name in kind.forms]
    ends = ("\n", "\r\nX: 1", "/../x")

    for form in forms:
        for text in ("x", "1", "ABC", "a/b", "x@example.org"):
            assert not [end for end in ends if form.pattern.fullmatch(text + end)]


@alike
def test_a_fresh_configuration(kind: Type[Tracker]) -> None:
    """With nothing set, exactly what is needed is asked for."""
    required = {f"options.{name}" for name, option in kind.options.items() if option.required}

    assert set(setting_problems(kind, TrackerSettings(kind.kind))) == {*kind.needs, *required}


# -- settings --------------------------------------------------------------------------------------


@st.composite
def _settings(draw: Callable[..., Any]) -> Tuple[Type[Tracker], TrackerSettings]:
    """A kind with settings good and bad; the token is none of the other texts."""
    kind = draw(any_kind)
    text = st.just("") | words | st.sampled_from(["owner/repo", "https://t.example.org", "42", "P"])
    values = {name: draw(text) for name in TEXTS if name != "token"}
    options = {
        name: draw(st.sampled_from(["", option.default, option.example]) | words)
        for name, option in kind.options.items()
    }
    return kind, TrackerSettings(kind.kind, token=draw(tokens), options=options, **values)


@st.composite
def _nearly_right(draw: Callable[..., Any]) -> Tuple[Type[Tracker], TrackerSettings]:
    """The same with one option at most out of place, so that an adapter looks further."""
    kind = draw(any_kind)
    url = draw(st.sampled_from(["https://t.example.org", "https://t.example.org/desk/"]))
    samples = ("owner/repo", "PROJ", "project", "42", "General")
    form = kind.forms.get("project")
    project = next((text for text in samples if not form or form.pattern.fullmatch(text)), "")
    options = {name: option.example for name, option in kind.options.items() if option.required}
    if kind.options:
        name = draw(st.sampled_from(sorted(kind.options)))
        options[name] = draw(st.sampled_from(["", kind.options[name].example]) | words)
    who = draw(st.sampled_from(["", "bot@example.org"]))
    return kind, TrackerSettings(
        kind.kind, url=url, project=project, username=who, token=draw(tokens), options=options
    )


def _expected(kind: Type[Tracker], given_: TrackerSettings) -> Set[str]:
    """Which settings are wrong, one by one."""

    def is_wrong(text: object, form: Any, needed: bool) -> bool:
        return bool(form and not form.pattern.fullmatch(text)) if text else needed

    found = {
        name
        for name in NEEDED
        if is_wrong(getattr(given_, name), kind.forms.get(name), name in kind.needs)
    }
    return found | {
        f"options.{name}"
        for name, option in kind.options.items()
        if is_wrong(given_.options.get(name, ""), option.form, option.required)
    }


@given(_settings())
def test_all_that_is_wrong_is_said_at_once(made: Tuple[Type[Tracker], TrackerSettings]) -> None:
    """Each wrong setting is named by its key, in one error, and the token is never shown."""
    kind, given_ = made
    expected = _expected(kind, given_)

    found = setting_problems(kind, given_)

    assert set(found) == expected
    assert SECRET not in json.dumps(found)
    if not expected:
        check_settings(kind, given_)
        return
    with pytest.raises(ConfigError) as caught:
        check_settings(kind, given_)
    assert {problem.split(" ")[0] for problem in caught.value.problems} == {
        f"tracker.{key}" for key in expected
    }
    assert SECRET not in _all_of(caught.value)


@settings(deadline=None, max_examples=300)
@given(_settings() | _nearly_right())
def test_a_tracker_is_made_or_its_settings_are_wrong(
    made: Tuple[Type[Tracker], TrackerSettings],
) -> None:
    """There is no third way; nothing is sent, and neither way shows the token."""
    kind, given_ = made
    script = Script(Reply(500))

    try:
        tracker = kind(given_, transport=script)
        told = f"{tracker.name} {tracker!r} {given_!r}"
    except ConfigError as err:
        told = _all_of(err)

    assert SECRET not in told
    assert f"{kind.kind}:" in told or "tracker." in told
    assert script.requests == []


# -- answers ---------------------------------------------------------------------------------------


class Script(Transport):
    """A server that has the same answer for everything."""

    def __init__(self, reply: Union[Reply, Exception]) -> None:
        self.reply = reply
        self.requests: List[Request] = []

    def send(self, request: Request) -> Response:
        """The answer."""
        self.requests.append(request)
        if isinstance(self.reply, Exception):
            raise self.reply
        return response_of(self.reply, NOW)


def _calls(tracker: Tracker, keep: Ticket) -> Mapping[str, Callable[[], object]]:
    ticket_id = keep.id
    return {
        "whoami": tracker.whoami,
        "find": lambda: tracker.find(KEY),
        "list_open": tracker.list_open,
        "read": lambda: tracker.read(ticket_id),
        "create": lambda: tracker.create(draft(KEY)),
        "comments": lambda: tracker.comments(ticket_id),
        "add_comment": lambda: tracker.add_comment(ticket_id, "x"),
        "close": lambda: tracker.close(ticket_id, CloseReason.NOT_PLANNED),
        "close_duplicate": lambda: tracker.close_duplicate(ticket_id, keep),
        "reopen": lambda: tracker.reopen(ticket_id),
        "assign": lambda: tracker.assign(ticket_id, "committee1"),
        "claim": lambda: tracker.claim(KEY),
    }


def _made(rig: Rig) -> Ticket:
    return rig.tracker().create(draft(KEY, assignee=None))


CALLS = ("whoami", "find", "list_open", "read", "create", "comments", "add_comment", "close")
CALLS += ("close_duplicate", "reopen", "assign", "claim")


def _all_of(err: ReviewLoopError) -> str:
    """Everything of an error that may end up in a log."""
    return f"{err} {err!r} {vars(err)} {err.as_dict()} {err.args}"


def _credential(rig: Rig) -> Dict[str, str]:
    """A credential that is not accepted, and holds what no message holds by chance."""
    return {name: text.replace("wrong", SECRET) for name, text in rig.wrong_credential().items()}


def _secrets(script: Script) -> Set[str]:
    """The credential in every form in which it went out."""
    sent = [value for request in script.requests for value in request.headers.values()]
    coded = [str(value).partition(" ")[2] for value in sent if "Basic " in str(value)]
    return {SECRET, *coded}


faults = st.sampled_from(
    [
        TemporaryError("No answer in time."),
        AmbiguousError("The connection broke off."),
        ProtocolError("The answer is too large."),
        ConfigError("The certificate is not trusted."),
    ]
)
statuses = st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 409, 410, 412, 422, 429, 500])
bodies = json_values | st.sampled_from(["", "{cut off", "<html>Sign in</html>", '"\\ud800"'])
replies = st.builds(Reply, statuses, bodies)


@pytest.mark.parametrize("fake", list(FAKES))
@settings(deadline=None, max_examples=40)
@given(call=st.sampled_from(CALLS), answer=replies | faults)
def test_any_answer_ends_in_a_value_or_a_named_error(
    fake: str, call: str, answer: Union[Reply, Exception]
) -> None:
    """No answer makes an adapter stumble, and no error holds the credential."""
    rig = FAKES[fake]()
    ticket, script = _made(rig), Script(answer)
    tracker = rig.tracker(script, **_credential(rig))
    told = ""

    try:
        _calls(tracker, ticket)[call]()
    except ReviewLoopError as err:
        told = _all_of(err)

    assert not [secret for secret in _secrets(script) if secret in told]


GONE = object()
ODD = (GONE, None, "x", 7)
"""What stands in the place of something else: nothing at all, null, a text, a number."""


class Spoiler(Transport):
    """A server whose answer number ``at`` has something else in one place, or lacks it."""

    def __init__(self, inner: Transport, at: int, place: int, value: Any) -> None:
        self.inner, self.at, self.place, self.value = inner, at, place, value
        self.has_struck = False

    def send(self, request: Request) -> Response:
        """Pass a request on; its answer comes whole, or not."""
        response = self.inner.send(request)
        self.at -= 1
        if self.at == 0 and response.body[:1] in (b"{", b"["):
            told = json.loads(response.body)
            self.has_struck = self._spoil(list(_places(told)))
            return replace(response, body=json.dumps(told).encode())
        return response

    def _spoil(self, places: List[Tuple[Any, Any]]) -> bool:
        if self.place >= len(places):
            return False
        inside, name = places[self.place]
        if self.value is GONE and isinstance(inside, dict):
            del inside[name]
        else:
            inside[name] = None if self.value is GONE else self.value
        return True


def _places(told: Any) -> Iterator[Tuple[Any, Any]]:
    """Every member of every object and list in a JSON value."""
    pairs = list(told.items() if isinstance(told, dict) else enumerate(told))
    for name, value in pairs:
        yield told, name
        if isinstance(value, (dict, list)):
            yield from _places(value)


def _stumbles(fake: str, call: str, at: int, value: Any) -> Iterator[str]:
    """What goes wrong without a name where a call's answer number ``at`` is spoilt, at each place
    in turn.
    """
    for place in itertools.count():
        rig = FAKES[fake]()
        ticket = _made(rig)
        spoiler = Spoiler(rig.network(), at, place, value)
        try:
            _calls(rig.tracker(spoiler), ticket)[call]()
        except (ReviewLoopError, AssertionError):
            pass  # the fakes assert what may be asked of them, which is another matter
        except Exception as err:  # noqa: BLE001 - whatever it is, it is what this test is about
            yield f"answer {at}, place {place}: {type(err).__name__}: {err}"
        if not spoiler.has_struck:
            return


@pytest.mark.parametrize("call", ["find", "read", "create", "comments"])
@pytest.mark.parametrize("fake", list(FAKES))
def test_a_spoilt_answer_ends_in_a_value_or_a_named_error(fake: str, call: str) -> None:
    """The same where an answer is as always but for one place, whichever."""
    found = [
        stumble
        for at in range(1, 5)
        for value in ODD
        for stumble in _stumbles(fake, call, at, value)
    ]

    assert found == []


@pytest.mark.parametrize("fake", list(FAKES))
@settings(deadline=None, max_examples=25)
@given(ticket_id=st.text(max_size=12) | st.sampled_from(["1/../../x", "..", "1?x=1", "1#x", "%2e"]))
def test_an_id_from_a_record_stays_in_its_place(fake: str, ticket_id: str) -> None:
    """What a record holds may be anything; no request goes above, or beside, where tickets are."""
    assume(not re.fullmatch(r"[A-Za-z0-9_-]*", ticket_id))
    rig = FAKES[fake]()
    script = Script(Reply(404, {}))
    tracker = rig.tracker(script)

    with pytest.raises(ReviewLoopError):
        tracker.read(ticket_id)

    for request in script.requests:
        path = request.target
        assert "/.." not in path
        assert "/%2e" not in path.lower()
        assert "#" not in path


# -- reading of answers ----------------------------------------------------------------------------


@given(json_values)
def test_parts_of_answers(told: Any) -> None:
    """They are of the type that was asked for, or it is said that the answer is not understood."""
    for read, expected in ((parse.mapping, dict), (parse.sequence, list)):
        if isinstance(told, expected):
            assert read(told, "x") is told
        else:
            with pytest.raises(ProtocolError, match="x is not an"):
                read(told, "x")


@given(json_values, st.text())
def test_members_of_answers(told: Any, name: str) -> None:
    """A member is there, or it is named as missing."""
    if isinstance(told, dict) and name in told:
        assert parse.required(told, name, "x") == told[name]
    else:
        with pytest.raises(ProtocolError):
            parse.required(told, name, "x")


def _instant_forms() -> List[str]:
    """The forms of instants of the adapters that name theirs."""
    modules = [inspect.getmodule(kind) for kind in KINDS]
    found = {getattr(module, "INSTANT", "") for module in modules}
    return sorted(form for form in found if isinstance(form, str) and form)


INSTANT_FORMS = _instant_forms()


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31)),  # noqa: DTZ001
    st.sampled_from(INSTANT_FORMS),
)
def test_instants(naive: datetime, form: str) -> None:
    """What a tracker writes in its form is read as the same second, in UTC."""
    instant = naive.replace(microsecond=0, tzinfo=timezone.utc)
    # strftime does not pad years of fewer than four digits; there are none here.
    text = instant.strftime(form).replace("+0000", "Z" if form.endswith("Z") else "+0000")

    assert parse.instant(text, form) == instant


@given(json_values, st.sampled_from(INSTANT_FORMS))
def test_what_is_no_instant(told: Any, form: str) -> None:
    """Nothing stays nothing; anything else is said not to be understood."""
    if not told:
        assert parse.instant(told, form) is None
        return
    with pytest.raises(ProtocolError, match="an instant"):
        parse.instant(told, form)


# -- what a refusal says ---------------------------------------------------------------------------


def _refused(body: bytes) -> Response:
    return Response(403, {}, body)


refusals = st.dictionaries(st.sampled_from(["error", "message", "msg", "errors", "x"]), json_values)


@given(st.one_of(refusals, json_values, refusals.map(lambda told: {"error": told})))
def test_what_a_tracker_says_of_a_refusal(told: Any) -> None:
    """Whatever its shape, it is one short line that is not empty."""
    said = answers.reason(_refused(json.dumps(told).encode()))

    assert 0 < len(said) <= answers.SHOWN
    assert said.strip() == " ".join(said.split())
    assert isinstance(answers._words(told), str)


@pytest.mark.parametrize("body", [b'{"errorMessages": 7}', b"[" * 200_000])
def test_a_refusal_that_is_out_of_all_shape(body: bytes) -> None:
    """It is a refusal still."""
    assert 0 < len(answers.reason(_refused(body))) <= answers.SHOWN


@given(st.binary(max_size=600))
def test_a_refusal_in_bytes(body: bytes) -> None:
    """What is no text at all does not stop us either."""
    assert 0 < len(answers.reason(_refused(body))) <= answers.SHOWN


@given(st.text(" \t\r\n", max_size=20), st.text(max_size=50))
def test_a_refusal_that_is_a_page(blank: str, rest: str) -> None:
    """Of a page, nothing is repeated."""
    assert answers.reason(_refused(f"{blank}<html>{rest}".encode("utf-8", "replace"))) == "(a page)"


@given(st.text(min_size=1), st.sampled_from(["message", "msg"]), st.booleans())
def test_a_refusal_with_a_message(text: str, name: str, nested: bool) -> None:
    """The message is what is shown, wherever it stands; user names in addresses are hidden."""
    assume(text.strip() and "@" not in text)
    told: Dict[str, Any] = {name: text, "documentation_url": "https://docs.example.org"}

    said = answers.reason(_refused(json.dumps({"error": told} if nested else told).encode()))

    assert said == " ".join(text.split())[: answers.SHOWN] or not text.split()


# -- texts -----------------------------------------------------------------------------------------

texts = st.text(max_size=400) | st.builds(
    lambda text, times: text * times, st.text(min_size=1, max_size=40), st.integers(1, 3000)
)


@given(any_kind, texts)
def test_titles(kind: Type[Tracker], text: str) -> None:
    """One line that fits, to which a second cutting does nothing."""
    title = fmt.title(text, kind.title_limit)

    assert len(title) <= kind.title_limit
    assert title == " ".join(title.split())
    assert fmt.title(title, kind.title_limit) == title


@settings(deadline=None)
@given(any_kind, texts)
def test_bodies(kind: Type[Tracker], text: str) -> None:
    """A sealed text fits, has our key for its own and no other, however long it was."""
    key = fresh_key()

    sealed = fmt.seal(text, key, kind.body_format, kind.body_limit)

    assert len(sealed) <= kind.body_limit
    assert fmt.key_in(sealed) == key
    assert fmt.is_marked(sealed, key)


@settings(deadline=None)
@given(any_kind, texts, st.sampled_from(list(BodyFormat)))
def test_markers_in_text_from_outside(kind: Type[Tracker], text: str, other: BodyFormat) -> None:
    """A marker that somebody wrote, in whichever tracker's form, counts for nothing."""
    foreign = fmt.marker(KEY, other)
    key = fresh_key()

    sealed = fmt.seal(f"{foreign}\n{text[:200]}\n{foreign}", key, kind.body_format, kind.body_limit)

    assert fmt.key_in(sealed) == key
    assert not fmt.is_marked(sealed, KEY)
    assert fmt.key_in(fmt.without_key(sealed, key)) is None


@settings(deadline=None)
@given(any_kind, texts)
def test_a_step_and_its_ticket(kind: Type[Tracker], text: str) -> None:
    """The marker of a comment is not taken for the key of a ticket, nor for another step's."""
    key = fresh_key()

    sealed = fmt.seal(text, f"{key}/level-1", kind.body_format, kind.body_limit)

    assert fmt.is_marked(sealed, f"{key}/level-1")
    assert not fmt.is_marked(sealed, f"{key}/level-2")
    assert fmt.key_in(sealed) is None
