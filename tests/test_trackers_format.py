"""Text on its way into a tracker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewloop.trackers import format as fmt
from reviewloop.trackers.base import BodyFormat, Draft

KEY = "grv-0123456789abcdef"
FORMATS = (BodyFormat.MARKDOWN, BodyFormat.TEXT)

hostile = st.text() | st.lists(
    st.sampled_from(
        [
            *("<!--", "-->", "grv:", KEY, "/duplicate", "]", " ", "\n", "@a"),
            *(f"<!-- grv:{KEY} -->", f"[grv:{KEY}]", f"[grv:{KEY}/level-1]"),
        ]
    )
).map("".join)


@given(hostile, st.sampled_from(FORMATS))
def test_a_sealed_body_has_one_key(text: str, body_format: BodyFormat) -> None:
    """Whatever the body says, the key read from it is the one it was sealed with, and only that."""
    other = "grv-ffffffffffffffff"

    sealed = fmt.seal(text.replace(KEY, other), KEY, body_format)

    assert fmt.key_in(sealed) == KEY
    assert not fmt.is_marked(sealed, other)
    assert sealed.splitlines()[-1] == fmt.marker(KEY, body_format)


@given(hostile, st.sampled_from(FORMATS), st.integers(200, 400))
def test_a_sealed_body_fits(text: str, body_format: BodyFormat, limit: int) -> None:
    """The limit counts everything, marker and notice included."""
    assert len(fmt.seal(text * 50, KEY, body_format, limit)) <= limit


def test_a_cut_body_says_so() -> None:
    """Readers learn that something is missing."""
    assert fmt.CUT in fmt.seal("x" * 70_000, KEY, BodyFormat.MARKDOWN)


@given(hostile)
def test_a_value_in_markdown_calls_on_nobody(text: str) -> None:
    """No mention, no issue link, no comment, no heading, one line."""
    shown = fmt.value(text, BodyFormat.MARKDOWN)

    assert "@a" not in shown
    assert "<" not in shown.replace("\\<", "")
    assert "\n" not in shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fix @team and #12", "Fix @\u200bteam and \\#\u200b12"),
        ("a --> b <!-- c", "a --\\> b \\<\\!-- c"),
        ("[x](javascript:1) `y`", "\\[x\\]\\(javascript:1\\) \\`y\\`"),
        ("see GH-12 at https://x.org", "see GH-\u200b12 at https:\u200b//x.org"),
        ("two\nlines\tof", "two lines of"),
        ("turned \u202eround", "turned round"),
    ],
)
def test_a_value_in_markdown(text: str, expected: str) -> None:
    """Shown as it was, but dead."""
    assert fmt.value(text, BodyFormat.MARKDOWN) == expected


def test_a_value_in_plain_text() -> None:
    """There is nothing to escape, only lines to join."""
    assert fmt.value("a *b*\n#1", BodyFormat.TEXT) == "a *b* #1"


def test_a_title_is_cut_visibly() -> None:
    """The limit counts the ellipsis."""
    cut = fmt.title("word " * 100, 20)

    assert len(cut) <= 20
    assert cut.endswith("\u2026")


def test_lone_surrogates_and_control_characters() -> None:
    """They would make a request that cannot be encoded or that a tracker refuses."""
    assert fmt.clean("a\ud800b\x00c\r\nd") == "a\ufffdbc\nd"


def test_a_key_quoted_above_ours() -> None:
    """Somebody who edits a ticket may paste another's words in: ours stands last."""
    text = f"see <!-- grv:grv-ffffffffffffffff -->\n\n<!-- grv:{KEY} -->"

    assert fmt.key_in(text) == KEY


def test_a_retired_key() -> None:
    """A duplicate's body names its key no more."""
    sealed = fmt.seal("x", KEY, BodyFormat.MARKDOWN)

    retired = fmt.without_key(sealed, KEY)

    assert fmt.key_in(retired) is None
    assert fmt.is_marked(retired, f"{KEY}/duplicate")


def test_markers_of_steps_are_told_apart() -> None:
    """One step's marker is not found in another's, even where it begins alike."""
    text = fmt.seal("x", f"{KEY}/level-10", BodyFormat.TEXT)

    assert fmt.is_marked(text, f"{KEY}/level-10")
    assert not fmt.is_marked(text, f"{KEY}/level-1")
    assert fmt.key_in(text) is None


@pytest.mark.parametrize("name", ["", "a b", "-->", "Ä", "x]"])
def test_a_marker_with_text_in_it(name: str) -> None:
    """A marker holds nothing that came from outside."""
    with pytest.raises(ValueError, match="marker"):
        fmt.marker(name, BodyFormat.MARKDOWN)


@pytest.mark.parametrize("key", ["", "grv-1", KEY + "0", KEY.upper(), KEY + "\n"])
def test_a_draft_without_a_proper_key(key: str) -> None:
    """Keys are checked where drafts are made."""
    with pytest.raises(ValueError, match="key"):
        Draft(key, "t", "b")
