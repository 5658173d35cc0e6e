"""What any HTTP answer tells, whoever sent it; and bodies, read within bounds."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any, List, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewloop.http.body import CodingError, CutOffError, TooLargeError, read_body
from reviewloop.http.credentials import basic, credentials_in, hidden
from reviewloop.http.messages import Response, read_json, read_values, whole_number

DATE = "Mon, 02 Mar 2026 12:00:00 GMT"


def pieces(data: bytes, cuts: List[int]) -> List[bytes]:
    """The data in pieces of these sizes, and the rest."""
    found = []
    for cut in cuts:
        found.append(data[:cut])
        data = data[cut:]
    return [*found, data]


@given(st.binary(max_size=300_000), st.lists(st.integers(0, 70_000), max_size=5), st.booleans())
def test_what_was_packed_is_unpacked(data: bytes, cuts: List[int], packed: bool) -> None:
    """However the bytes arrive, and however well they were packed."""
    sent = gzip.compress(data) if packed else data

    assert read_body(pieces(sent, cuts), "gzip" if packed else "", len(data)) == data


@given(st.integers(0, 400_000), st.integers(0, 400_000))
def test_a_body_is_read_up_to_its_limit(size: int, limit: int) -> None:
    """One byte more is too much, also where all of them come from a few packed ones."""
    parts = [gzip.compress(bytes(size))]
    if size <= limit:
        assert read_body(parts, "gzip", limit) == bytes(size)
    else:
        with pytest.raises(TooLargeError):
            read_body(parts, "gzip", limit)


def test_members() -> None:
    """A gzip file may have several members (RFC 1952)."""
    assert read_body([gzip.compress(b"a") + gzip.compress(b"b")], "x-gzip", 9) == b"ab"


def test_nothing_at_all() -> None:
    """An empty body need not be packed, whatever the header says."""
    assert read_body([], "gzip", 9) == read_body([b""], "GZIP", 9) == b""


@given(st.binary(min_size=1, max_size=1000), st.data())
def test_cut_off(data: bytes, draw: st.DataObject) -> None:
    """A packed body without its end is never taken for a whole one."""
    packed = gzip.compress(data)
    end = draw.draw(st.integers(1, len(packed) - 1))

    with pytest.raises(CutOffError):
        read_body([packed[:end]], "gzip", 2000)


@pytest.mark.parametrize("coding", ["deflate", "br", "gzip, gzip", "zstd"])
def test_other_codings(coding: str) -> None:
    """What was not asked for is not unpacked."""
    with pytest.raises(CodingError):
        read_body([zlib.compress(b"x")], coding, 9)


def test_not_packed_at_all() -> None:
    """A header that promises gzip, and no gzip."""
    with pytest.raises(CodingError):
        read_body([b"{}"], "gzip", 9)


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'{"a":' * 200_000, b"{", b"\xff", b"1" * 5000 + b"x", b""]
)
def test_what_is_not_json(body: bytes) -> None:
    """Nested without end is no more JSON than what was cut off."""
    with pytest.raises(ValueError):  # noqa: PT011 - all that its callers look at
        read_json(body)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": " 12 "}, 12.0),
        ({"retry-after": "Mon, 02 Mar 2026 12:00:30 GMT", "date": DATE}, 30.0),
        ({"retry-after": "Mon, 02 Mar 2026 11:00:00 GMT", "date": DATE}, 0.0),
        ({"retry-after": "Mon, 02 Mar 2026 12:00:30 GMT"}, None),
        ({"retry-after": "soon", "date": DATE}, None),
        ({"retry-after": "\u00b2"}, None),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": "-1"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait(headers: dict, expected: float) -> None:
    """Seconds, or a date that counts from the answer's own; all else says nothing."""
    assert Response(503, headers).retry_after() == expected


@given(st.text())
def test_any_header_is_read(text: str) -> None:
    """No header makes its reader raise."""
    response = Response(503, {"retry-after": text, "date": text})

    assert response.retry_after() is None or response.retry_after() >= 0
    assert whole_number(text) is None or whole_number(text) >= 0


def test_secrets_in_what_a_server_says() -> None:
    """A server may repeat a credential, whole or as it was sent, or an address that holds one."""
    said = f"token hunter2 or {basic('bot', 'hunter2')} at https://bot:x@host/"

    told = hidden(said, ["hunter2", basic("bot", "hunter2"), ""])

    assert told == "token *** or *** at https://***@host/"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Authorization": "Bearer t0ken"}, {"Bearer t0ken", "t0ken"}),
        ({"Authorization": basic("bot", "hunter2")}, {basic("bot", "hunter2"), "hunter2"}),
        ({"PRIVATE-TOKEN": "t0ken", "Accept": "application/json"}, {"t0ken"}),
        ({"X-Redmine-API-Key": "abcdef"}, {"abcdef"}),
        ({"Authorization": 'OAuth oauth_token="tok", oauth_signature="&s3cret"'}, {"&s3cret"}),
        ({"X-Auth-Token": "a"}, set()),
    ],
)
def test_what_of_headers_is_secret(headers: dict, expected: set) -> None:
    """The credential as it is sent, and what it was made of; nothing that stands in any text."""
    found = set(credentials_in(headers))

    assert expected <= found
    assert "application/json" not in found
    assert all(len(word) >= 4 for word in found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON), st.sampled_from([None, 1]), st.booleans())
def test_the_values_of_an_array(values: List[Any], indent: Optional[int], plain: bool) -> None:
    """One by one they are what they are as a whole, however the array is written."""
    body = json.dumps(values, indent=indent, ensure_ascii=plain).encode("utf-8", "surrogatepass")
    try:
        expected = read_json(body)
    except ValueError:
        expected = None

    if expected is not None:
        assert list(read_values(body)) == expected == values


@given(st.text(alphabet='[]{},:" 1a\n', max_size=12))
def test_any_text_as_an_array(text: str) -> None:
    """What is no array as a whole ends in an error, and nothing else does."""
    try:
        expected: Any = json.loads(text)
    except ValueError:
        expected = None

    try:
        found: Any = list(read_values(text.encode()))
    except ValueError:
        found = None
    assert found == (expected if isinstance(expected, list) else None)


def test_a_very_deep_array() -> None:
    """Deeper than Python follows a value, nobody does."""
    with pytest.raises(ValueError, match="nested too deep"):
        list(read_values(b"[" * 100_000 + b"]" * 100_000))
