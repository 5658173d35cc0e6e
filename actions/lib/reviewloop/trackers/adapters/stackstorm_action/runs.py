"""StackStorm's executions: an action is run, waited for, and never run twice blindly.

Relies on what StackStorm's sources say (3.10dev), tried with 3.9:

- The python runner hands every action ``ST2_ACTION_API_URL`` (with the version, ``…/v1``) and, if
  the execution has a user, ``ST2_ACTION_AUTH_TOKEN``, good as long as the execution runs
  (``st2common/runners/base.py``, ``st2actions/container/base.py``).
- ``POST /executions`` answers 201 with ``id`` and ``status``; 400 for an action that is not there
  and for parameters that its metadata does not allow
  (``st2api/controllers/v1/actionexecutions.py``).
- A ``trace_tag`` in the request's context makes a trace of its own, and ``GET /traces?trace_tag=``
  lists all of a tag (``st2common/services/trace.py``). So what was asked for is found again even if
  the answer was lost or the asking process died: before a ticket is looked at, this waits until
  nothing that was asked for it is under way.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ConfigError,
    RefusedError,
    ReviewLoopError,
    TemporaryError,
)
from reviewloop.http import codes
from reviewloop.http.retry import Timing
from reviewloop.http.transport import Transport
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.stackstorm_action.failures import (
    FAILED,
    LOOK,
    SUCCEEDED,
    Failures,
)
from reviewloop.trackers.adapters.stackstorm_action.mapping import Execution
from reviewloop.trackers.http import Http
from reviewloop.trackers.settings import TrackerSettings, checked_url
from reviewloop.trackers.tickets import Comment

API_URL = "ST2_ACTION_API_URL"
AUTH_TOKEN = "ST2_ACTION_AUTH_TOKEN"  # noqa: S105 - the variable's name
ENDED = (SUCCEEDED, FAILED, "timeout", "canceled", "abandoned")
"""``LIVEACTION_COMPLETED_STATES`` of ``st2common/constants/action.py``."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 3.0
PAGE = 100


class Runs:
    """Executions of one mapping.

    :param timeout: seconds after which an execution that has not ended is not waited for any more.
    :param words: words in an action's own error, by what they mean.
    """

    def __init__(
        self,
        settings: TrackerSettings,
        timeout: float,
        words: Mapping[str, Tuple[str, ...]],
        timing: Optional[Timing] = None,
        transport: Optional[Transport] = None,
    ) -> None:
        base = settings.url or os.environ.get(API_URL, "")
        if not base:
            raise ConfigError(
                "The tracker kind action runs actions of StackStorm, and this is no action that"
                f" StackStorm runs: {API_URL} is not set.",
                "Run it through StackStorm, such as `st2 run gerrit.open_ticket …`.",
            )
        token = os.environ.get(AUTH_TOKEN, "")
        self._timeout = timeout
        self._failures = Failures(words, settings.token)
        self._timing = timing or Timing()
        self._http = Http(
            checked_url(base),
            {"X-Auth-Token": token, "Accept": "application/json"} if token else {},
            verify=settings.tls,
            secrets=(settings.token,),
            timing=timing,
            transport=transport,
        )

    def run(self, execution: Execution) -> Any:
        """The result of a run that succeeded.

        :raises AmbiguousError: it was to write, and whether it did is not known.
        """
        data = self._requested(execution)
        try:
            data = self._waited(execution, data)
        except ReviewLoopError as err:
            if execution.tag is None or isinstance(err, AmbiguousError):
                raise
            raise AmbiguousError(f"{execution.ref} was started; {err.message}", LOOK) from err
        if data.get("status") == SUCCEEDED:
            return data.get("result")
        raise self._failures.of(execution, data)

    def check(self) -> None:
        """A call that StackStorm answers to those only whom it knows."""
        self._read("/traces", {"limit": 1})

    def described(self, ref: str) -> Mapping[str, Any]:
        """What StackStorm says of an action; RefusedError with 404 for one it does not have."""
        return parse.mapping(self._http.read(f"/actions/{ref}").data, "an action")

    def finished(self, tag: str) -> List[Dict[str, Any]]:
        """All that was ever asked for under a tag, oldest first, each ended.

        :raises TemporaryError: something of it is still under way.
        """
        pause, waited = FIRST_PAUSE, 0.0
        while True:
            found = self._asked(tag)
            under_way = [one for one in found if one.get("status") not in ENDED]
            if not under_way:
                return found
            if waited >= self._timeout:
                number = str(under_way[0].get("id"))
                raise TemporaryError(
                    f"An execution of an earlier run is still under way for this ticket: {number}.",
                    f"The next run looks again. If it hangs: st2 execution cancel {number}.",
                )
            self._timing.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, LONGEST_PAUSE)

    def said(self, tag: str, ref: str) -> Tuple[Comment, ...]:
        """The texts with which an action was run under a tag, with success."""
        return tuple(
            Comment(str(one.get("id")), "\n".join(_texts(one.get("parameters"))))
            for one in self.finished(tag)
            if one.get("status") == SUCCEEDED and one.get("action", {}).get("ref") == ref
        )

    @parse.protocol_errors
    def _asked(self, tag: str) -> List[Dict[str, Any]]:
        ids = [
            str(parse.required(one, "object_id", "a trace"))
            for row in self._traces(tag)
            for one in parse.mapping(row, "a trace").get("action_executions") or ()
        ]
        found: List[Dict[str, Any]] = []
        for start in range(0, len(ids), PAGE):
            stop = start + PAGE
            query = {
                "id": ",".join(ids[start:stop]),
                "include_attributes": "action.ref,status,parameters,start_timestamp",
                "limit": PAGE,
            }
            rows = parse.sequence(self._read("/executions", query), "a listing")
            found += [parse.mapping(row, "an execution") for row in rows]
        return sorted(found, key=lambda one: str(one.get("start_timestamp")))

    def _traces(self, tag: str) -> Iterator[Any]:
        offset = 0
        while True:
            query = {"trace_tag": tag, "limit": PAGE, "offset": offset}
            rows = parse.sequence(self._read("/traces", query), "a listing")
            yield from rows
            if len(rows) < PAGE:
                return
            offset += PAGE

    def _requested(self, execution: Execution) -> Dict[str, Any]:
        body: Dict[str, Any] = {"action": execution.ref, "parameters": execution.parameters}
        if execution.tag is not None:
            body["context"] = {"trace_context": {"trace_tag": execution.tag}}
        try:
            data = self._http.write("POST", "/executions", body).data
        except AuthError as err:
            raise _unknown_here(err) from err
        except RefusedError as err:
            raise self._refusal(execution, err) from err
        except AmbiguousError as err:
            if execution.tag is None:
                # It would only have read, so nothing is in doubt.
                raise TemporaryError(err.message, "The next run tries again.") from err
            raise
        if not isinstance(data, dict) or not str(data.get("id") or "").isalnum():
            raise AmbiguousError(f"StackStorm's answer to running {execution.ref} has no id.", LOOK)
        return data

    def _waited(self, execution: Execution, data: Dict[str, Any]) -> Dict[str, Any]:
        number = str(data["id"])
        pause, started = FIRST_PAUSE, self._timing.monotonic()
        while data.get("status") not in ENDED:
            if self._timing.monotonic() - started >= self._timeout:
                raise TemporaryError(
                    f"{execution.ref} has not ended after {self._timeout:.0f} seconds (execution"
                    f" {number}).",
                    "Raise tracker.options.timeout if it needs longer.",
                )
            self._timing.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            query = {"include_attributes": "status,result"}
            data = parse.mapping(self._read(f"/executions/{number}", query), "an execution")
        return {**data, "id": number}

    def _read(self, path: str, query: Mapping[str, Any]) -> Any:
        try:
            return self._http.read(path, query).data
        except AuthError as err:
            raise _unknown_here(err) from err
        except RefusedError as err:
            raise RefusedError(
                err.message,
                "The user who runs the rule must be allowed to view executions and to list traces.",
                0 if err.status == codes.NOT_FOUND else err.status,
            ) from err

    def _refusal(self, execution: Execution, err: RefusedError) -> RefusedError:
        """StackStorm's own refusal. No status that could be taken for the tracker's."""
        data = err.answer.get("faultstring") if isinstance(err.answer, dict) else None
        said = self._failures.shown(data or "no reason given")
        if err.status == codes.FORBIDDEN:
            remedy = f"Give the user who runs the rule the right to execute {execution.ref}."
        else:
            remedy = (
                f"Check tracker.actions.{execution.call}: that the pack of {execution.ref} is"
                " installed, and that the action takes these parameters (st2 action get)."
            )
        return RefusedError(
            f"StackStorm does not run {execution.ref}: {said}",
            remedy,
            err.status if err.status == codes.FORBIDDEN else 0,
        )


def _unknown_here(err: AuthError) -> AuthError:
    return AuthError(
        f"StackStorm's API: {err.message}",
        "Set tracker.url to the API's address as the hosts that run actions reach it, or api_url in"
        " the section auth of st2.conf; the token comes from StackStorm and lasts as long as this"
        " execution.",
    )


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
