"""Text on its way out of Gerrit."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewloop.core.text import neutralise, one_line, outward, outward_lines, outward_text

MARKERS = ("{{", "}}", "{%", "%}", "{#", "#}", "<%", "%>")


@pytest.mark.parametrize(
    "text",
    [
        "{{ config_context.password }}",
        "<% st2kv('system.x', decrypt => true) %>",
        "{{{ 7*7 }}}",
        "{%- raw -%}{# note #}",
        "<<%%>>{{%%}}",
    ],
)
def test_expressions(text: str) -> None:
    """No marker of an expression survives, and every other character does."""
    harmless = neutralise(text)

    assert not any(marker in harmless for marker in MARKERS)
    assert harmless.replace(" ", "") == text.replace(" ", "")


@given(st.text(alphabet="{}%#<> a\u200f\u202e\n\x00", max_size=40), st.integers(2, 30))
def test_outward_texts_are_harmless(text: str, cap: int) -> None:
    """Whatever is cut, cleaned or joined, what goes out holds no marker and keeps to its cap."""
    told = outward(text, cap)

    assert not any(marker in told for marker in MARKERS)
    assert len(told) <= cap
    assert not re.search("[\u200f\u202e\n\x00]", told)


@given(st.text(alphabet="{}%#<> a\u200f\u202e\n\x00", max_size=40), st.integers(2, 30))
def test_texts_as_they_are_written(text: str, cap: int) -> None:
    """The same of a text that is shown as it is written, with its lines and its spaces."""
    told = outward_text(text, cap)

    assert not any(marker in told for marker in MARKERS)
    assert len(told) <= cap
    assert not re.search("[\u200f\u202e\x00]", told)
    plain = '  /ack    I am on it\n\nPrüfe "das" 🎈'
    assert outward_text(plain, 100) == plain


def test_plain_text() -> None:
    """Text of any script, with quotes and 4-byte characters, goes out as it is."""
    text = "Prüfe \"das\" 'hier' 🎈 שלום"

    assert outward(text) == text


def test_long_text() -> None:
    """A cut is shown by an ellipsis."""
    assert one_line("abcdef", 4) == "abc…"


def test_length_of_a_line() -> None:
    """What fits is whole, what does not is as long as it may be, by default 200 characters."""
    assert one_line("abcd", 4) == "abcd"
    assert one_line("a b c", 4) == "a b…"
    for line in (one_line, outward):
        assert line("x" * 200) == "x" * 200
        assert line("x" * 201) == "x" * 199 + "…"


def test_characters_that_are_no_text() -> None:
    """Controls and lone surrogates are spaces, marks of direction nothing; spaces are one."""
    assert one_line(" a\x00b\t\n c\ud800d\u202ee\u200f ") == "a b c de"


def test_marker_that_cutting_or_cleaning_makes() -> None:
    """Nothing that is left out lets two characters become a marker, and the cap still holds."""
    assert outward("{\u200f{") == "{ {"
    assert outward("{{{", 4) == "{ {…"


def test_text_of_several_lines() -> None:
    """Its lines stay lines, each as outward text; what is more than the cap is left out."""
    assert outward_lines("a\tb\n\n {{ c", 99) == "a b\n\n{ { c"
    assert outward_lines("ab\ncd", 4) == "ab\nc"


def test_several_lines_of_markers() -> None:
    """What is pulled apart gets longer; the cap holds all the same."""
    assert outward_lines("{{{{\n}}", 4) == "{ {…"
    assert outward_lines("{{\n}}\n", 7) == "{ {\n} }"


@given(st.text(alphabet="{}%#<> a\u200f\n", max_size=40), st.integers(1, 30))
def test_several_lines_are_harmless(text: str, cap: int) -> None:
    """They hold no marker, and keep to their cap."""
    told = outward_lines(text, cap)

    assert not any(marker in told for marker in MARKERS)
    assert len(told) <= cap
