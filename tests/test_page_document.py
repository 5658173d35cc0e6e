"""The page of a report: one file that nothing outside can change, readable by everybody."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any, Dict, List, Optional, Sequence, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report_parts import HOSTILE, part, sections
from reviewloop.insight.sections import Fraction, Section, Table
from reviewloop.page import MARK
from reviewloop.page.document import document, number, words

MEGABYTE = 1_000_000
Attributes = Dict[str, Optional[str]]


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.elements: List[Tuple[str, Attributes]] = []
        self.texts: List[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        """An element begins."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Text, of the page or of its style sheet."""
        self.texts.append(data)

    def all(self, name: str) -> List[Attributes]:
        """The attributes of each element of a name."""
        return [attributes for tag, attributes in self.elements if tag == name]

    def ids(self) -> List[str]:
        """The ids, in order."""
        return [one["id"] or "" for _, one in self.elements if "id" in one]


def plain(*names: str) -> List[Section]:
    """Sections without charts: nothing has to be installed."""
    return [part(name) for name in names]


def page(title: str = "Reviews", about: Sequence[str] = (), parts: Any = None) -> Page:
    """A page without charts, unless parts with some are given."""
    return Page(document(title, about, plain("first", "second") if parts is None else parts))


@pytest.fixture(name="charts", scope="module")
def _charts() -> Page:
    """A page with a chart of each kind."""
    return page("Reviews", ["755 changes"], sections())


def test_policy_allows_the_one_style_sheet() -> None:
    """No script, nothing fetched, no style but that whose hash stands in the policy."""
    found = page()
    (policy,) = [
        one["content"]
        for one in found.all("meta")
        if one.get("http-equiv") == "Content-Security-Policy"
    ]
    (style,) = re.findall("<style>(.*?)</style>", found.source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert found.source.startswith(MARK)


def test_nothing_runs_and_nothing_is_fetched(charts: Page) -> None:
    """There is no element and no attribute that could do either."""
    names = {name for name, _ in charts.elements}
    attributes = {name for _, one in charts.elements for name in one}
    links = [one["href"] or "" for one in charts.all("a")]

    assert not names & {"script", "link", "img", "image", "iframe", "object", "form", "base", "use"}
    assert not {name for name in attributes if name.startswith("on")}
    assert not attributes & {"src", "srcset", "style", "xlink:href", "action"}
    assert all(link.startswith("#") and link[1:] in charts.ids() for link in links)


def test_size(charts: Page) -> None:
    """A page with more charts than a report has stays far below a megabyte."""
    assert len(charts.source.encode("utf-8")) < MEGABYTE / 3


def test_ids_are_unique_and_what_refers_to_one_finds_it(charts: Page) -> None:
    """Charts side by side share no id; labels and descriptions are there."""
    ids = charts.ids()
    assert len(ids) == len(set(ids))
    for _, one in charts.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert set((one.get(name) or "").split()) <= set(ids)


def test_every_chart_has_its_words_and_numbers(charts: Page) -> None:
    """A chart is one picture, described by its lead; its numbers stand in a table that opens."""
    pictures = [one for _, one in charts.elements if one.get("role") == "img"]
    drawn = [one for one in sections() if one.chart is not None]

    assert [one["aria-describedby"] for one in pictures] == [f"{one.id}-lead" for one in drawn]
    assert [one["aria-labelledby"] for one in pictures] == [f"{one.id}-title" for one in drawn]
    assert len(charts.all("details")) == len(drawn)
    assert len(charts.all("table")) == len(sections())
    assert all(one["aria-hidden"] == "true" for one in charts.all("svg"))
    assert len(charts.all("svg")) == 2 * len(drawn)
    regions = [one for _, one in charts.elements if one.get("class") == "scroll"]
    assert all(one["tabindex"] == "0" and one["aria-label"] for one in regions)


def test_hostile_texts(charts: Page) -> None:
    """Names from outside are text, in charts and tables alike; nothing evaluates them."""
    assert HOSTILE in charts.texts
    assert "{{ 7 * 7 }} <% 7 %>" in charts.texts
    assert "49" not in charts.texts


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_is_text(text: str) -> None:
    """Wherever a text stands, it comes out as it was and adds no element."""
    text = "".join(char for char in text if char not in "\r\0") + "</title></style>&amp;<b x='"
    section = Section("a", text, text, Table([text], [[text]]), None, text)
    found = page(text, [text], [section])

    assert "".join(found.texts).count(text) == 9
    assert not found.all("b")


def test_contents_lead_to_every_part() -> None:
    """The table of contents has a link for each section, in order."""
    found = page(parts=plain("one", "two", "three"))

    assert [one["href"] for one in found.all("a")] == ["#content", "#one", "#two", "#three"]


def test_section_without_rows() -> None:
    """A table of nothing is left out, and the words stay."""
    section = Section("none", "None", "Nothing was read.", Table(["a"], []))
    found = page(parts=[section])

    assert not found.all("table")
    assert "Nothing was read." in found.texts


@pytest.mark.parametrize("name", ["", "A", "1a", 'a"', "a b"])
def test_id_that_is_none(name: str) -> None:
    """An id that could end its attribute is refused."""
    with pytest.raises(ValueError, match="lower case"):
        document("Reviews", [], [Section(name, "A", "A.", Table([], []))])


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (None, "\N{EN DASH}"),
        (0, "0"),
        (1234567, "1,234,567"),
        (-1234, "-1,234"),
        (0.123456, "0.1235"),
        (12.3, "12.3"),
        (999.96, "1000"),
        (12345.678, "12,346"),
        (1e-9, "1e-09"),
        (Fraction(0.742), "74.2\N{NO-BREAK SPACE}%"),
        (Fraction(0), "0.0\N{NO-BREAK SPACE}%"),
        (Fraction(1), "100.0\N{NO-BREAK SPACE}%"),
        ("1e3", "1e3"),
    ],
)
def test_number(cell: Any, shown: str) -> None:
    """Four digits that count, thousands apart, shares in percent, a dash where there is none."""
    assert number(cell) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("set `a.b` and `c`", "set <code>a.b</code> and <code>c</code>"),
        ("`<b>`{0}", "<code>&lt;b&gt;</code>{0}"),
        ("5` & 6", "5` &amp; 6"),
        ("", ""),
    ],
)
def test_code_in_a_sentence(text: str, shown: str) -> None:
    """Names of settings stand out; a lone mark is a mark, and markup is text."""
    assert words(text) == shown


def test_numbers_stand_to_the_right() -> None:
    """A column with numbers alone is one of numbers; a gap does not change that, a word does."""
    rows = [(1, None, None, "a"), (2.5, 3, None, 4)]
    found = page(parts=[Section("a", "A", "A.", Table("wxyz", rows))])

    assert [one.get("class") for one in found.all("th")] == ["number", "number", None, None]
    assert [one.get("class") for one in found.all("td")] == ["number", "number", None, None] * 2
