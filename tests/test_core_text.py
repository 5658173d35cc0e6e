"""Text on its way out of Gerrit."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewloop.core.text import neutralise, one_line, outward

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


def test_plain_text() -> None:
    """Text of any script, with quotes and 4-byte characters, goes out as it is."""
    text = "Prüfe \"das\" 'hier' 🎈 שלום"

    assert outward(text) == text


def test_long_text() -> None:
    """A cut is shown by an ellipsis."""
    assert one_line("abcdef", 4) == "abc…"
