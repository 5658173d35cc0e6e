"""What it means that an execution did not succeed: the error for each way to fail."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Set, Tuple

from reviewloop.core.text import outward
from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    RefusedError,
    ReviewLoopError,
    TemporaryError,
)
from reviewloop.http import codes
from reviewloop.trackers.adapters.stackstorm_action.mapping import Execution
from reviewloop.trackers.tickets import TakenError

SUCCEEDED = "succeeded"
FAILED = "failed"
SHOWN = 200
LOOK = "The next run looks before it writes."


class Failures:
    """The failures of one mapping's actions.

    :param words: words in an action's own error, by what they mean.
    :param secret: what no message repeats.
    """

    def __init__(self, words: Mapping[str, Tuple[str, ...]], secret: str) -> None:
        self._words = words
        self._secret = secret

    def of(self, execution: Execution, data: Mapping[str, Any]) -> ReviewLoopError:
        """The error for an execution that ended without success, as the API shows it."""
        status, number = data.get("status"), data["id"]
        if status != FAILED:
            return _doubt(execution, f"{execution.ref} ended as {status} (execution {number}).")
        result = data.get("result")
        said = error_text(result)
        shown = f"{execution.ref} failed (execution {number}): {self.shown(said)}"
        code = result.get("status_code") if isinstance(result, dict) else None
        code = code if isinstance(code, int) else 0
        return self._meant(execution, shown, said.casefold(), code)

    def _meant(self, execution: Execution, shown: str, said: str, code: int) -> ReviewLoopError:
        means = {kind for kind, words in self._words.items() if any(word in said for word in words)}
        if "taken" in means and execution.call == "create":
            return TakenError(shown, LOOK)
        if code == codes.TOO_MANY:
            return TemporaryError(shown, "Nothing was done; the next run tries again.")
        if code == codes.UNAUTHORIZED or "credential" in means:
            return AuthError(
                shown,
                f"Renew the credential in the configuration of the pack of {execution.ref}, or"
                " tracker.token where tracker.actions says $token.",
            )
        if code >= codes.SERVER_ERROR or "busy" in means:
            return _doubt(execution, shown)
        return _refused(execution, shown, means, code)

    def shown(self, text: str) -> str:
        """The words of an action or of StackStorm, short and without our secret."""
        if self._secret:
            text = text.replace(self._secret, "(secret)")
        return outward(text, SHOWN)


def _refused(execution: Execution, shown: str, means: Set[str], code: int) -> RefusedError:
    if "none" in means:
        return RefusedError(shown, status=codes.NOT_FOUND, answer="none")
    if "assignee" in means:
        remedy = "Check the name under roster.members[].tracker.action."
        return RefusedError(shown, remedy, codes.UNPROCESSABLE)
    return RefusedError(
        shown,
        f"Look at that execution (st2 execution get); tracker.actions.{execution.call} made it.",
        code or (codes.NOT_FOUND if "gone" in means else 0),
    )


def _doubt(execution: Execution, message: str) -> TemporaryError:
    if execution.tag is None:
        return TemporaryError(message, "The next run tries again.")
    return AmbiguousError(message, LOOK)


def error_text(result: Any) -> str:
    """An action's own error: what its result calls so, else the last line of its error output."""
    found = list(_errors(result))
    return found[0] if found else "no reason given"


def _errors(result: Any) -> Iterator[str]:
    if isinstance(result, str):
        # What the python runner writes where an action raised.
        yield from () if result.strip() in ("", "None") else (result,)
    elif isinstance(result, list):
        for one in result:
            yield from _errors(one)
    elif isinstance(result, dict):
        for name in ("error", "errors", "message", "msg", "detail", "result", "output", "body"):
            yield from _errors(result.get(name))
        for name in ("stderr", "stdout"):
            lines = str(result.get(name) or "").strip().splitlines()
            yield from lines[-1:]
