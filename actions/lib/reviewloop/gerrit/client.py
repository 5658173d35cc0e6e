"""The Gerrit client: the only module that sends requests to the server.

Reads are tried again, writes never blindly: a write whose answer was lost is looked for first.
The clock of everything is the server's (``Date`` header), so that ages and cursors never depend
on how well this machine's clock is set.
"""

from __future__ import annotations

import os
import random as _random
import time as _time
from abc import ABC, abstractmethod
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Tuple,
    Union,
)
from urllib.parse import urlsplit

import requests
import requests.adapters
import requests.utils
import urllib3.exceptions

from reviewloop import __version__
from reviewloop.core.change import Account, Change, Message
from reviewloop.core.remarks import Remark, has_remarks, with_remarks
from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ConfigError,
    ProtocolError,
    RefusedError,
    ReviewLoopError,
    TemporaryError,
)
from reviewloop.gerrit import parse, queries, review, scan
from reviewloop.gerrit.parse import Raw
from reviewloop.gerrit.protocol import Params, Peer, Request, Response, change_id, segment
from reviewloop.gerrit.queries import Option, Version
from reviewloop.gerrit.review import (
    ReviewAction,
    ReviewerState,
    ReviewOutcome,
    ReviewRequest,
)

#: A change: itself, ``protocol.change_id(number, project)``, or a bare number.
Ident = Union[Change, str, int]

#: What ``parse.change`` needs to fill a whole ``Change``.
DETAIL = (Option.DETAILED_ACCOUNTS, Option.LABELS, Option.MESSAGES, Option.CURRENT_REVISION)

#: Tries of a read, and the longest wait between them that a server may ask for, in seconds.
READ_TRIES = 3
MAX_WAIT = 60.0

#: Rows asked for in one page, even if the account may ask for more: bounds an answer's size.
MAX_PAGE = 500

#: Largest answer read, in bytes; 500 rows with messages are 2.5 MB.
MAX_BODY = 64 * 1024 * 1024

_NOT_FOUND = 404
# Accounts of one search: whoever wants more than one of a name wants to know that it is not one.
_FEW = 10
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


class Transport(ABC):
    """Carries one request to the server and its answer back; knows URL and credentials."""

    @abstractmethod
    def send(self, request: Request) -> Response:
        """Send the request once.

        :raises TemporaryError: the request did not reach the server, or it was only a read.
        :raises AmbiguousError: a write may have reached the server, and its answer was lost.
        :raises ConfigError: the server's certificate is not trusted, or the CA file is missing.
        """

    def close(self) -> None:  # noqa: B027 - most transports hold nothing open
        """Let go of connections."""


def _proxies(url: str) -> Dict[str, str]:
    """The environment's proxies for a server; none for this machine, which no proxy can reach."""
    if urlsplit(url).hostname in _THIS_MACHINE:
        return {}
    return dict(requests.utils.get_environ_proxies(url))


class RequestsTransport(Transport):
    """``Transport`` over HTTP(S) with ``requests``.

    The environment is not trusted (a ``~/.netrc`` would replace the configured credentials), but
    its proxies (``HTTPS_PROXY``, ``NO_PROXY``) are honoured, except for a server on this machine.
    Redirects are not followed. At most two connections, kept open: a Gerrit has 25 worker threads
    by default. Cookies are kept, or each call would cost a server with LDAP passwords a look-up.

    :param verify: True, or the path of a CA bundle, or False for a test server.
    :param timeout: seconds to connect, and to wait for the next part of an answer.
    :param write_patience: seconds to wait longer for a write's answer: a server repeats a write
        that met a locked ref for up to 20 s (``retry.timeout``).
    """

    def __init__(
        self,
        url: str,
        username: str = "",
        password: str = "",
        verify: Union[bool, str] = True,
        timeout: Tuple[float, float] = (5.0, 30.0),
        write_patience: float = 30.0,
    ) -> None:
        self._url = url.rstrip("/")
        self._host = host_of(url)
        self._verify = verify
        self._timeout = timeout
        self._write_patience = write_patience
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.proxies = _proxies(url)
        self._session.headers["User-Agent"] = f"stackstorm-gerrit/{__version__} (+reviewloop)"
        if username:
            # Set here, not as requests' `auth`: Gerrit expects UTF-8, requests would send Latin-1.
            self._session.headers["Authorization"] = f"Basic {_token(username, password)}"
        adapter = requests.adapters.HTTPAdapter(1, 2, max_retries=0, pool_block=True)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)

    def send(self, request: Request) -> Response:
        """See ``Transport.send``; an answer is read whole, up to ``MAX_BODY`` bytes."""
        connect, read = self._timeout
        try:
            answer = self._session.request(
                request.method,
                self._url + request.target,
                data=request.body,
                headers=request.headers,
                timeout=(connect, read + self._write_patience if request.writes else read),
                verify=self._verify,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                body = self._body(request, answer)
        except _FAILURES as err:
            raise self._failure(request, err) from err
        headers = {key.lower(): value for key, value in answer.headers.items()}
        return Response(answer.status_code, headers, body)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _body(self, request: Request, answer: requests.Response) -> bytes:
        parts: List[bytes] = []
        size = 0
        for part in answer.iter_content(65536):
            size += len(part)
            if size > MAX_BODY:
                raise ProtocolError(f"{self._host} answered {request} with over {MAX_BODY} bytes.")
            parts.append(part)
        length = answer.headers.get("Content-Length", "")
        if length.isdigit() and answer.raw.tell() < int(length):
            # urllib3 before 2.0 takes a body that was cut off for a whole one.
            raise requests.ConnectionError("cut off")
        return b"".join(parts)

    def _failure(self, request: Request, err: Exception) -> ReviewLoopError:
        # Never str(err) itself: it may name a proxy with its password.
        if isinstance(err, ValueError):
            return ConfigError(f"`url`: requests to {self._host} cannot be sent.", "Correct it.")
        if isinstance(self._verify, str) and _useless(self._verify, err):
            return ConfigError(
                f"`ca_bundle`: {self._verify} cannot be read, or holds no certificate.",
                "Name a readable file of CA certificates in PEM form.",
            )
        if "CERTIFICATE_VERIFY_FAILED" in str(err):
            return ConfigError(
                f"The certificate of {self._host} is not trusted.",
                "Set `ca_bundle` to the CA's certificates, or have the certificate renewed.",
            )
        what = f"{self._host} did not answer {request}: {_reason(err)}."
        if request.writes and not _unsent(err):
            return AmbiguousError(what, "It may have happened all the same: read before retrying.")
        return TemporaryError(what, "Try again later.")


# OSError: requests looks for the CA file itself, and urllib3 lets a few of the socket's through.
_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)


def _unsent(err: Exception) -> bool:
    """Whether the connection never came about, so that nothing can have been done."""
    if isinstance(err, requests.ConnectTimeout):
        return True
    inner = err.args[0] if err.args else None
    return isinstance(getattr(inner, "reason", inner), urllib3.exceptions.NewConnectionError)


def _useless(bundle: str, err: Exception) -> bool:
    """Whether the CA bundle itself is to blame; OpenSSL's words differ by its version."""
    told = str(err)
    faults = ("NO_CERTIFICATE_OR_CRL_FOUND", "NO_START_LINE", "PEM lib")
    return not os.access(bundle, os.R_OK) or any(fault in told for fault in faults)


def _reason(err: Exception) -> str:
    if _unsent(err):
        return "no connection (refused, too slow, or the name is unknown)"
    if isinstance(err, requests.Timeout):
        return "no answer in time"
    if isinstance(err, requests.exceptions.SSLError):
        return "TLS failed"
    if isinstance(err, requests.exceptions.ProxyError):
        return "the proxy did not let it through"
    return "the connection broke off"


def _token(username: str, password: str) -> str:
    return b64encode(f"{username}:{password}".encode()).decode("ascii")


def host_of(url: str) -> str:
    """``host[:port]`` of the server's URL, without user information.

    :raises ConfigError: it is not an http(s) URL, or holds a user name or password.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ConfigError(
            "`url` holds a user name or password.", "Set `username` and `password` instead."
        )
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigError("`url` is no http(s) address.", "Write https://review.example.org.")
    return parts.netloc


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Related:
    """Numbers of the changes that one is built on, and that are built on it, nearest first."""

    ancestors: Tuple[int, ...] = ()
    descendants: Tuple[int, ...] = ()


class Client:
    """One Gerrit server, as one account. Not for use by several threads at once.

    :param url: the address under which Gerrit answers, sub-path included.
    :param username: empty for anonymous reads.
    :param password: Gerrit's HTTP password or, from 3.13, an authentication token.
    :param verify: True, the path of a CA bundle, or False for a test server.
    :param timeout: seconds to connect, and to wait for an answer.
    :param transport: in place of the real one.
    :param sleep, random: how to wait, and a number in [0, 1) that spreads the waits.
    :param local_clock: the time while the server's is not known yet.
    :raises ConfigError: ``url`` cannot be used.

    Every method that speaks to the server raises what ``Peer.decode`` and ``Transport.send`` do.
    Changes are given as a ``Change``, as ``change_id(number, project)``, or as a bare number.
    """

    def __init__(
        self,
        url: str,
        username: str = "",
        password: str = "",
        *,
        verify: Union[bool, str] = True,
        timeout: Tuple[float, float] = (5.0, 30.0),
        transport: Optional[Transport] = None,
        sleep: Callable[[float], None] = _time.sleep,
        random: Callable[[], float] = _random.random,
        local_clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        secrets = tuple(filter(None, (password, _token(username, password) if username else "")))
        self._peer = Peer(host_of(url), username, secrets)
        self._transport = transport or RequestsTransport(url, username, password, verify, timeout)
        self._sleep = sleep
        self._random = random
        self._local_clock = local_clock
        self._date: Optional[datetime] = None
        self._version: Optional[Version] = None
        self._self: Optional[Account] = None
        self._query_limit: Optional[int] = None

    def close(self) -> None:
        """Let go of connections."""
        self._transport.close()

    # The server, and who we are

    def now(self) -> datetime:
        """The server's time when it last answered (``Date``), in UTC; sends nothing.

        Before the first answer, and if the server sends no usable date, the local clock's.
        """
        return self._date or self._local_clock()

    def version(self) -> Version:
        """The server's version; asked once."""
        if self._version is None:
            data = self._read("/config/server/version")
            self._version = Version.parse(parse.text(data, "server version"))
        return self._version

    def whoami(self) -> Account:
        """The account this client acts as; asked once.

        :raises AuthError: there is none: no user name is configured, or it is refused.
        """
        if not self._peer.username:
            raise AuthError(
                f"`username` is empty: {self._peer.host} is read anonymously, which cannot write.",
                "Set `username` and `password`.",
            )
        if self._self is None:
            self._self = parse.account(self._read("/accounts/self"), "own account")
        return self._self

    def query_limit(self) -> int:
        """The most rows a page may have for this account; asked once, 500 for anonymous callers.

        :raises RefusedError: the account may not search at all.
        """
        if self._query_limit is None:
            self._query_limit = parse.DEFAULT_QUERY_LIMIT
            if self._peer.username:
                params = [("q", "queryLimit")]
                data = self._read("/accounts/self/capabilities", params)
                self._query_limit = parse.query_limit(data)
        if self._query_limit <= 0:
            raise RefusedError(
                f"{self._peer.host}: the account {self._peer.username} may not search"
                f" (queryLimit is {self._query_limit}).",
                "Grant it the global capability Query Limit.",
            )
        return self._query_limit

    # Reading changes

    def scan(
        self,
        query: str,
        options: Iterable[Option] = (),
        page: Optional[int] = None,
        limit: Optional[int] = None,
    ) -> Iterator[Raw]:
        """Every change that a search finds, newest first, each once; pages are read as needed.

        A change that is touched during a long scan moves to the top and can be missed: whoever
        needs it searches ``after`` the scan's start afterwards.

        :param query: in Gerrit's syntax; what others wrote goes in through ``queries.all_of``.
        :param options: what each row holds beyond the index; those too young for the server are
            left out.
        :param page: rows a page, at most (default: what the account may ask for, up to 500).
        :param limit: rows in all, at most.
        """
        size = min(page or MAX_PAGE, MAX_PAGE, self.query_limit(), limit or MAX_PAGE)
        fixed = [("n", str(size)), *self._options(options)]

        def fetch(search: str, start: int) -> Tuple[Tuple[Raw, ...], bool]:
            offset = [("S", str(start))] if start else []
            return parse.page(self._read("/changes/", [("q", search), *fixed, *offset]))

        return islice(scan.keyset(fetch, query), limit)

    def changes(
        self, numbers: Iterable[int], options: Iterable[Option] = (), query: str = ""
    ) -> List[Raw]:
        """Those of the changes that exist, are visible and match ``query``, in no special order.

        Asked for in batches that fit one search each.
        """
        wanted = tuple(options)
        count = min(queries.MAX_BATCH, self.query_limit())
        rows: List[Raw] = []
        for batch in queries.batches(numbers, query, count):
            rows.extend(self.scan(queries.all_of(queries.any_change(batch), query), wanted))
        return rows

    def change(self, ident: Ident, options: Iterable[Option] = DETAIL) -> Change:
        """One change with its whole history, from its storage: never stale, as a search can be.

        What was said in comments on a whole patch set is in the messages it was posted with.

        :raises RefusedError: 404, it does not exist or is not visible.
        """
        change = parse.change(self._read(_path(ident), self._options(options)))
        return with_remarks(change, self.remarks(change)) if has_remarks(change) else change

    def remarks(self, ident: Ident) -> Tuple[Remark, ...]:
        """A change's published comments, never stale."""
        return parse.remarks(self._read(f"{_path(ident)}/comments"), f"{_name(ident)}, comments")

    def messages(self, ident: Ident) -> Tuple[Message, ...]:
        """A change's messages, oldest first, never stale."""
        return parse.messages(self._read(f"{_path(ident)}/messages"), f"{_name(ident)}, messages")

    def commit_message(self, change: Change) -> str:
        """The commit message of the patch set that the change was read with."""
        data = self._read(f"{_path(change)}/revisions/{change.revision or 'current'}/commit")
        return parse.commit_message(data, f"{_name(change)}, commit")

    def commit_emails(self, change: Change) -> Tuple[str, ...]:
        """The addresses of the commit's author and committer, as Git has them."""
        data = self._read(f"{_path(change)}/revisions/{change.revision or 'current'}/commit")
        return parse.commit_emails(data, f"{_name(change)}, commit")

    def hashtags(self, ident: Ident) -> Tuple[str, ...]:
        """A change's hashtags, sorted."""
        return parse.hashtags(self._read(f"{_path(ident)}/hashtags"), f"{_name(ident)}, hashtags")

    def related(self, change: Change) -> Related:
        """The change's relation chain, as its commits tell it."""
        data = self._read(f"{_path(change)}/revisions/{change.revision or 'current'}/related")
        return Related(parse.ancestors(data, change.number), parse.descendants(data, change.number))

    # Reading people

    def account(self, ident: Union[str, int]) -> Account:
        """An account by id, user name or e-mail address; an inactive one by its id only.

        Gerrit also answers with whoever has a name that begins so: look at what comes back.

        :raises RefusedError: 404, it does not exist or is not visible.
        """
        data = self._find(
            f"/accounts/{segment(ident)}/detail",
            (),
            f"The account {ident!r}",
            "Correct the user name, e-mail address or number.",
        )
        return parse.account(data, f"account {ident}")

    def emails(self, account_id: int) -> Tuple[str, ...]:
        """All addresses of an account; empty where this account may not see them, as most may not
        (https://gerrit-review.googlesource.com/Documentation/access-control.html#capability_modifyAccount).
        """
        try:
            data = self._read(f"/accounts/{account_id}/emails")
        except RefusedError:
            return ()
        return parse.emails(data, f"account {account_id}, emails")

    def find_accounts(self, query: str) -> Tuple[Account, ...]:
        """The accounts that a search finds, the first few; inactive ones only if it asks for them.

        :param query: in the syntax of
            https://gerrit-review.googlesource.com/Documentation/user-search-accounts.html.
        """
        params = [("q", query), ("o", "DETAILS"), ("n", str(_FEW))]
        return parse.accounts(self._read("/accounts/", params), "accounts")

    def group_members(self, group: str) -> Tuple[Account, ...]:
        """The members of a group and of the groups it includes, by its name or UUID.

        :raises RefusedError: 404, it does not exist or is not visible.
        """
        data = self._find(
            f"/groups/{segment(group)}/members/",
            [("recursive", "true")],
            f"The group {group!r}",
            "Correct its name, or make the group visible to all or to that account.",
        )
        return parse.accounts(data, f"group {group}")

    # Writing

    def post_review(self, change: Change, request: ReviewRequest) -> ReviewOutcome:
        """Post one review in one write, unless it was posted before.

        :param change: read with CURRENT_REVISION: the review is of the patch set that was seen,
            even if a newer one has come since.
        :raises RefusedError: the text is too long, or a permission is missing, or the change's
            state forbids it (nothing was posted); or a vote was dropped (the message was posted).
        :raises AmbiguousError: the answer was lost and the review is not there (yet). Posting it
            again later is safe.
        """
        request.check_size(change)
        if not change.revision:
            raise ProtocolError(f"change {change.number} was read without its current revision.")
        path = f"{_path(change)}/revisions/{segment(change.revision)}/review"
        earlier = self._own_message(change, request)
        if earlier:
            return self._completed(change, request, path, earlier)
        try:
            answer = self._once(self._peer.post(path, request.body()))
        except AmbiguousError as err:
            return self._look_for(change, request, err)
        review.check_answer(change, request, answer)
        return ReviewOutcome(ReviewAction.POSTED)

    def set_hashtags(
        self, ident: Ident, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> bool:
        """Add and take off hashtags; whether anything changed (if not, nothing was written).

        :raises RefusedError: the account may not edit hashtags, or the change does not exist.
        """
        there = set(self.hashtags(ident))
        adding, removing = sorted(set(add) - there), sorted(set(remove) & there)
        if not adding and not removing:
            return False
        body = {"add": adding, "remove": removing}
        try:
            self._once(self._peer.post(f"{_path(ident)}/hashtags", body))
        except AmbiguousError:
            now = set(self.hashtags(ident))
            if not now.issuperset(adding) or now & set(removing):
                raise
        return True

    def add_reviewers(
        self,
        ident: Ident,
        ids: Iterable[int],
        state: ReviewerState = ReviewerState.REVIEWER,
    ) -> Tuple[int, ...]:
        """Add accounts to a change; those who were not there yet in that state.

        One write each; adding somebody again does nothing, so a lost answer is repeated by
        calling again.

        :raises RefusedError: an account is unknown, inactive or cannot see the change.
        """
        added: List[int] = []
        for who in dict.fromkeys(ids):
            body = {"reviewer": str(who), "state": state.value}
            data = self._once(self._peer.post(f"{_path(ident)}/reviewers", body))
            people, error = parse.reviewer_result(data, f"{_name(ident)}, reviewer {who}")
            if error:
                raise RefusedError(f"{_name(ident)}: account {who} was not added: {error}")
            added.extend(account.id for account in people)
        return tuple(added)

    # Inner workings

    def _completed(
        self, change: Change, request: ReviewRequest, path: str, earlier: str
    ) -> ReviewOutcome:
        """A review that is there, with whatever of its votes was missing."""
        votes = self._own_votes(change) if request.labels else {}
        missing = {
            label: value for label, value in request.labels.items() if votes.get(label, 0) != value
        }
        if not missing:
            return ReviewOutcome(ReviewAction.ALREADY_POSTED, earlier)
        self._once(self._peer.post(path, request.votes_alone(missing)))
        review.check_votes(change, request, self._own_votes(change))
        return ReviewOutcome(ReviewAction.COMPLETED, earlier)

    def _own_votes(self, change: Change) -> Mapping[str, int]:
        try:
            votes = self._read(f"{_path(change)}/reviewers/self/votes")
        except RefusedError as err:
            if err.status != _NOT_FOUND:
                raise
            return {}  # nothing was said on the change, so nothing was voted either
        return parse.votes(votes, _name(change))

    def _own_message(self, change: Change, request: ReviewRequest) -> str:
        history = self.messages(change)
        return review.find_own(history, self.whoami().id, request.marker, request.key)

    def _look_for(
        self, change: Change, request: ReviewRequest, lost: AmbiguousError
    ) -> ReviewOutcome:
        """What became of a review whose answer was lost."""
        try:
            found = self._own_message(change, request)
        except TemporaryError as err:
            raise lost from err
        if not found:
            raise lost
        if request.labels:
            review.check_votes(change, request, self._own_votes(change))
        return ReviewOutcome(ReviewAction.POSTED_ANSWER_LOST, found)

    def _options(self, options: Iterable[Option]) -> List[Tuple[str, str]]:
        wanted = tuple(options)
        if queries.needs_version(wanted):
            wanted = queries.supported(wanted, self.version())
        return [("o", option.value) for option in wanted]

    def _find(self, path: str, params: Params, what: str, remedy: str) -> Any:
        try:
            return self._read(path, params)
        except RefusedError as err:
            if err.status != _NOT_FOUND:
                raise
            who = f"the account {self._peer.username}" if self._peer.username else "everybody"
            message = f"{what} does not exist on {self._peer.host}, or is not visible to {who}."
            raise RefusedError(message, remedy, _NOT_FOUND) from err

    def _read(self, path: str, params: Params = ()) -> Any:
        """A read, tried again while what fails is temporary.

        :raises TemporaryError: it failed ``READ_TRIES`` times, or the server asks for a longer
            wait than ``MAX_WAIT``; ``retry_after`` says how long.
        """
        request = self._peer.get(path, params)
        for attempt in range(READ_TRIES - 1):
            try:
                return self._once(request)
            except TemporaryError as err:
                wait = err.retry_after
                if wait is None:
                    wait = 2**attempt * (0.5 + self._random())
                if wait > MAX_WAIT:
                    raise
                self._sleep(wait)
        return self._once(request)

    def _once(self, request: Request) -> Any:
        response = self._transport.send(request)
        self._date = response.date or self._date
        return self._peer.decode(request, response)


def _path(ident: Ident) -> str:
    if isinstance(ident, Change):
        return f"/changes/{change_id(ident.number, ident.project)}"
    return f"/changes/{ident}"


def _name(ident: Ident) -> str:
    return f"change {ident.number if isinstance(ident, Change) else ident}"
