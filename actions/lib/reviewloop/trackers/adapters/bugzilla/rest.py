"""How Bugzilla's REST interface speaks: its own codes tell what an answer means.

Codes: https://github.com/bugzilla/bugzilla/blob/5.2/Bugzilla/WebService/Constants.pm
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from reviewloop.errors import AmbiguousError, AuthError, RefusedError, TemporaryError
from reviewloop.http import codes
from reviewloop.http.messages import Response, read_json
from reviewloop.trackers.answers import Answer
from reviewloop.trackers.http import Http

HEADER, QUERY = "header", "query"

UNKNOWN_NAME = 51
NO_SUCH_ALIAS, NO_SUCH_BUG = 100, 101
ALIAS_TAKEN = 103
NO_COMPONENT, NO_PRODUCT = 105, 106
WORKFLOW = 123
INVALID_USER = 504
NO_SUCH_CALL = 32614
OTHER = 32000
"""Any refusal without a number of its own, such as a change that wants a comment."""
GONE = (NO_SUCH_ALIAS, NO_SUCH_BUG)
_NO_RIGHT = (102, 106, 109, 110, 113, 115, 120, 304, INVALID_USER, 505)
_LOGIN = (300, 301, 302, 305, 306, 307, 410)
_FAULT_BELOW, _FAULT_FROM = -32000, 100_000
"""Faults inside Bugzilla: its own end at -32000, those of its JSON-RPC library begin at 100000."""

Row = Dict[str, Any]
_OLD = f'Bugzilla 5.0 and 5.2 take an API key only with tracker.options.key_in: "{QUERY}".'
_ADVICE = {
    OTHER: "If a field is missing, name it in tracker.options.fields.",
    NO_SUCH_CALL: f"Check tracker.url. {_OLD}",
}


class Rest(Http):
    """HTTP in which Bugzilla's codes tell what an answer means, not its status."""

    def __init__(self, base: str, headers: Mapping[str, str], product: str, **more: Any) -> None:
        super().__init__(base, headers, **more)
        self._product = product

    def judge(self, response: Response, what: str, is_write: bool) -> Answer:
        """See :meth:`Http.judge`."""
        data = _error_in(response.body)
        if data is None:
            return super().judge(response, what, is_write)
        code = _int(data.get("code"))
        said = self.one_line(str(data.get("message")))
        if code in _LOGIN:
            raise AuthError(
                f"{self._host} does not accept our credential (code {code}).",
                f"Renew tracker.token. {_OLD}",
            )
        if code <= _FAULT_BELOW or code >= _FAULT_FROM:
            raise _broken(f"{what} met a fault of Bugzilla ({code}): {said}", is_write)
        raise RefusedError(
            f"{what} was refused (code {code}): {said}",
            _advice(code, self._product),
            _status(code),
            data,
        )


def _error_in(content: bytes) -> Optional[Row]:
    """The error that an answer tells, whatever its status; None where it tells none."""
    if b'"error"' not in content:
        return None
    try:
        data = read_json(content)
    except ValueError:
        return None
    is_error = isinstance(data, dict) and data.get("error") and "code" in data
    return data if is_error else None


def _int(data: Any) -> int:
    try:
        return int(data)
    except (TypeError, ValueError):
        return 0


def code_of(err: RefusedError) -> int:
    """Bugzilla's code of a refusal, 0 where it names none."""
    return _int(err.answer.get("code")) if isinstance(err.answer, dict) else 0


def _status(code: int) -> int:
    """The HTTP status that says what a code means; Bugzilla's own would say something else."""
    if code in GONE:
        return codes.NOT_FOUND
    return codes.FORBIDDEN if code in _NO_RIGHT else codes.BAD_REQUEST


def _broken(message: str, is_write: bool) -> TemporaryError:
    # The mail goes out after the work was done, and its fault looks like any other.
    if is_write:
        return AmbiguousError(message, "It may have happened: the next run looks before it writes.")
    return TemporaryError(message, "The next run tries again.")


def _advice(code: int, product: str) -> str:
    if code == NO_PRODUCT:
        return (
            f"Check tracker.project: that the product {product!r} exists, is open for new bugs, "
            "and that the token's account may enter bugs there."
        )
    if code in _NO_RIGHT:
        return (
            f"Let the account of tracker.token see and edit bugs of {product!r}: put it into the "
            "group editbugs, and into those that the product's bugs are restricted to."
        )
    if code in (UNKNOWN_NAME, NO_COMPONENT, WORKFLOW):
        return (
            "Check tracker.options: component, version, op_sys, platform, severity, priority, and "
            "the statuses and resolutions must exist there and follow the workflow."
        )
    return _ADVICE.get(code, "")


def remedy(status: int) -> str:
    """Advice on an answer that is not Bugzilla's own."""
    if status == codes.NOT_FOUND:
        return "Check tracker.url; without the web server's rewriting it must end with /rest.cgi."
    return ""
