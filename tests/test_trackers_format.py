"""Text on its way into a tracker."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import List, Optional, Tuple
from urllib.parse import unquote, urlsplit

import pytest
import textile
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers.tickets import Draft

KEY = "grv-0123456789abcdef"
OTHER = "grv-ffffffffffffffff"
GFM = MarkdownIt("gfm-like")
assert GFM.linkify is not None
GFM.linkify.add("//", None)  # no tracker takes //host for a link
Z = fmt.ZERO_WIDTH_SPACE

every_format = pytest.mark.parametrize("body_format", list(BodyFormat), ids=lambda one: one.value)

hostile = st.text() | st.lists(
    st.sampled_from(
        [
            *("<!--", "-->", "grv:", KEY, "/duplicate", "]", " ", "\n", "@a", "<", "&"),
            *(f"<!-- grv:{KEY} -->", f"[grv:{KEY}]", f"[grv:{KEY}/level-1]"),
            *(f"&lt;!-- grv:{KEY} --&gt;", rf"\[grv:{KEY}\]", f"&#91;grv:{KEY}&#93;"),
        ]
    )
).map("".join)

# What some format or tracker gives a meaning.
pieces = st.lists(
    st.sampled_from(
        [
            *"*_-+~^%@#!|?=:;&<>()[]{}\\`\"'$/. \t1ax",
            *("@team", "#12", "!34", "~label", "%milestone", "$5", "&7", "^alert#1", "GH-1"),
            *("ABC-12", "r12", "commit:abc", "attachment:x", "[vulnerability:1]", "[[page]]"),
            *("{{macro}}", "{code}", "{color:red}", "[~user]", "||", "h1.", "bq.", "p(a). "),
            *('"x":http://e.example', "http://e.example/x", "www.e.example", "a@e.example"),
            *("mailto:a@e.example", "//e.example/i.png", "<script>", "<!--", "-->", "<pre>"),
            *("{+ a +}", "[- a -]", ":smile:", ":)", "/close", "1. ", "- ", "* ", "---", "==="),
            *("&amp;", "&#64;", "\\\\", "```", "~~", "**", "__", "??", "==", "ACL(title)", "(tm)"),
            *("\u202e", "é", "日本"),
        ]
    ),
    max_size=12,
).map("".join)


class Seen(HTMLParser):
    """The text of a piece of HTML, and its tags."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: List[str] = []
        self.links: List[Optional[str]] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        """A link's address is what it leads to."""
        self.tags.append(tag)
        self.links.extend(value for name, value in attrs if name in ("href", "src"))

    def handle_data(self, data: str) -> None:
        """Without zero-width spaces, which nobody sees."""
        self.text += data.replace(Z, "")

    def handle_comment(self, data: str) -> None:
        """A comment hides what people should see."""
        self.tags.append("!--")


def typed(text: str) -> str:
    """Text as it was typed: Textile makes quotes round, dashes long and fractions small."""
    for nice, plain in (
        *(("\u2018", "'"), ("\u2019", "'"), ("\u201c", '"'), ("\u201d", '"')),
        *(("\u2032", "'"), ("\u2033", '"'), ("\u2026", "..."), ("\u00d7", "x")),
        *(("\u2013", "-"), ("\u2014", "--")),
    ):
        text = text.replace(nice, plain)
    return re.sub(r"\s+", "", text)


# --- markers ----------------------------------------------------------------------------------


@given(hostile, st.sampled_from(BodyFormat))
def test_a_sealed_body_has_one_key(text: str, body_format: BodyFormat) -> None:
    """Whatever the body says, the key read from it is the one it was sealed with, and only that."""
    sealed = fmt.seal(text.replace(KEY, OTHER), KEY, body_format)

    assert fmt.key_in(sealed) == KEY
    assert not fmt.is_marked(sealed, OTHER)
    assert sealed.splitlines()[-1] == fmt.marker(KEY, body_format)


@given(hostile, st.sampled_from(BodyFormat), st.integers(200, 400))
def test_a_sealed_body_fits(text: str, body_format: BodyFormat, limit: int) -> None:
    """The limit counts everything, marker and notice included."""
    assert len(fmt.seal(text * 50, KEY, body_format, limit)) <= limit


@every_format
def test_a_cut_body_says_so(body_format: BodyFormat) -> None:
    """Readers learn that something is missing."""
    assert fmt.CUT in fmt.seal("x" * 70_000, KEY, body_format)


def test_a_body_cut_inside_a_tag() -> None:
    """Half a tag is left out: it would take the notice and the marker into itself."""
    sealed = fmt.seal(
        "y" * 50 + '<a href="https://e.example/' + "x" * 900, KEY, BodyFormat.HTML, 400
    )

    assert Seen(sealed).tags == ["p", "small"]
    assert fmt.key_in(Seen(sealed).text) == KEY


@pytest.mark.parametrize(
    ("body_format", "line"),
    [
        (BodyFormat.MARKDOWN, f"<!-- grv:{KEY} -->"),
        (BodyFormat.TEXT, f"[grv:{KEY}]"),
        (BodyFormat.TEXTILE, f"[grv:{KEY}]"),
        (BodyFormat.JIRA_WIKI, rf"\[grv:{KEY}\]"),
        (BodyFormat.HTML, f"<p><small>[grv:{KEY}]</small></p>"),
    ],
)
def test_a_marker_in_each_format(body_format: BodyFormat, line: str) -> None:
    """Hidden in Markdown; elsewhere a short last line that no markup is made of."""
    assert fmt.marker(KEY, body_format) == line


@pytest.mark.parametrize(
    "line",
    [
        f"<!-- grv:{KEY} -->",
        f"&lt;!-- grv:{KEY} --&gt;",
        f"[grv:{KEY}]",
        rf"\[grv:{KEY}\]",
        f"&#91;grv:{KEY}&#93;",
        f"<p><small>[grv:{KEY}]</small></p>",
        f"<small>[grv:{KEY}]</small>\n<br>",
    ],
)
def test_a_marker_as_trackers_give_it_back(line: str) -> None:
    """Trackers escape, unescape and wrap what they were sent; the marker is known all the same."""
    body = f"text\n\n{line}"

    assert fmt.key_in(body) == KEY
    assert fmt.is_marked(body, KEY)
    assert fmt.key_in(fmt.without_key(body, KEY)) is None
    assert fmt.is_marked(fmt.without_key(body, KEY), f"{KEY}/duplicate")


def test_a_key_quoted_above_ours() -> None:
    """Somebody who edits a ticket may paste another's words in: ours stands last."""
    text = f"see <!-- grv:{OTHER} -->\n\n<!-- grv:{KEY} -->"

    assert fmt.key_in(text) == KEY


@every_format
def test_a_retired_key(body_format: BodyFormat) -> None:
    """A duplicate's body names its key no more."""
    retired = fmt.without_key(fmt.seal("x", KEY, body_format), KEY)

    assert fmt.key_in(retired) is None
    assert fmt.is_marked(retired, f"{KEY}/duplicate")


def test_another_key_stays_when_one_is_retired() -> None:
    """Only the marker of the duplicate's own key is changed, not that of a step or another key."""
    others = f"[grv:{KEY}/level-1] [grv:{OTHER}]"

    assert fmt.without_key(others, KEY) == others


@every_format
def test_markers_of_steps_are_told_apart(body_format: BodyFormat) -> None:
    """One step's marker is not found in another's, even where it begins alike."""
    text = fmt.seal("x", f"{KEY}/level-10", body_format)

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


# --- values -----------------------------------------------------------------------------------


@given(hostile)
def test_a_value_in_markdown_calls_on_nobody(text: str) -> None:
    """No mention, no issue link, no comment, no heading, one line."""
    shown = fmt.value(text, BodyFormat.MARKDOWN)

    assert "@a" not in shown
    assert "<" not in shown.replace("\\<", "")
    assert "\n" not in shown


@given(hostile | pieces)
@example("/close")
@example("1. x")
@example("[x](http://e.example)")
def test_a_value_in_markdown_as_a_renderer_shows_it(text: str) -> None:
    """At a line's beginning and inside one, a value comes out as its own text and nothing else."""
    expected = fmt.title(text).replace(Z, "")
    shown = fmt.value(text, BodyFormat.MARKDOWN)
    alone, inside = Seen(GFM.render(shown)), Seen(GFM.render(f"- x {shown} y"))

    assert alone.text.strip() == expected
    assert inside.text.strip() == f"x {expected} y"
    assert set(alone.tags) <= {"p"}
    assert set(inside.tags) <= {"ul", "li", "p"}


@given(pieces)
@example('"x":http://e.example')
@example("p(a b). x")
@example("x[1] ACL(title) ==a== (c)")
def test_a_value_in_textile_as_a_renderer_shows_it(text: str) -> None:
    """At a line's beginning and inside one, a value comes out as its own text and nothing else."""
    expected = typed(fmt.title(text).replace(Z, ""))
    shown = fmt.value(text, BodyFormat.TEXTILE)
    alone, inside = Seen(textile.textile(shown)), Seen(textile.textile(f"* x {shown} y"))

    assert typed(alone.text) == expected
    assert typed(inside.text) == typed(f"x{expected}y")
    assert set(alone.tags) <= {"p", "span"}  # capitals are put into a span
    assert set(inside.tags) <= {"ul", "li", "span"}
    assert alone.links + inside.links == []


@given(hostile | pieces)
def test_a_value_in_html_as_a_browser_shows_it(text: str) -> None:
    """As an element's text and as an attribute, a value is its own text and nothing else."""
    shown = fmt.value(text, BodyFormat.HTML)
    seen = Seen(f'<p title="{shown}">{shown}</p>')

    assert seen.text == fmt.title(text).replace(Z, "")
    assert seen.tags == ["p"]
    assert "[" not in shown  # ServiceNow's [code]


@given(pieces)
def test_a_value_in_jira(text: str) -> None:
    """No mark of Jira's stands without a backslash, unless inside a word or alone."""
    shown = fmt.value(text, BodyFormat.JIRA_WIKI)
    bare = re.sub(r"\\[^\w\s]", "§", shown)

    assert not set(bare) & set("{}[]()|#!@")
    assert not re.search(r"(?:^|[\s.,])[*_+~^-][^\s]", bare)
    assert not shown.startswith(("h1.", "bq."))
    assert not re.search(r":[)/\w]|\?\?|&#?[a-z]|\b[A-Z]+-\d", re.sub(r"\d:\d", "", bare))
    assert shown.replace(Z, "").replace("\\", "") == fmt.title(text).replace(Z, "").replace(
        "\\", ""
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fix @team and #12", f"Fix @{Z}team and \\#{Z}12"),
        ("a --> b <!-- c", "a --\\> b \\<\\!-- c"),
        ("[x](javascript:1) `y`", f"\\[x\\]\\(javascript:{Z}1\\) \\`y\\`"),
        ("see GH-12 at https://x.org", f"see GH-{Z}12 at https:{Z}//x.org"),
        ("/close", "\\/close"),
        ("a /close ~bug !3 %v1 $2 &4", f"a /close \\~{Z}bug \\!{Z}3 %{Z}v1 \\${Z}2 \\&{Z}4"),
        ("[vulnerability:1] [[p]] {{m}}", f"\\[vulnerability:{Z}1\\] \\[{Z}\\[p\\]\\] "
         f"\\{{{Z}\\{{m\\}}\\}}"),
        ("ABC-12 r12 commit:ab 09:00", f"ABC-{Z}12 r{Z}12 commit:{Z}ab 09:00"),
        ("two\nlines\tof", "two lines of"),
        ("turned \u202eround", "turned round"),
    ],
)  # fmt: skip
def test_a_value_in_markdown(text: str, expected: str) -> None:
    """Shown as it was, but dead."""
    assert fmt.value(text, BodyFormat.MARKDOWN) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{code} {color:red}", rf"\{{code\}} \{{color:{Z}red\}}"),
        ("[~user] [x|http://y]", rf"\[\~user\] \[x\|http:{Z}//y\]"),
        ("*b* _i_ -d- my_name a-b a - b", r"\*b\* \_i\_ \-d\- my_name a-b a - b"),
        ("!img.png! @user ||h||", r"\!img.png\! \@user \|\|h\|\|"),
        ("h1. x", f"h1{Z}. x"),
        ("bq. x", f"bq{Z}. x"),
        (r"a\\b \{c}", rf"a\{Z}\{Z}b \{Z}\{{c\}}"),
        ("ABC-12", f"ABC\\-{Z}12"),
        ("&amp; a&b a & b", f"&{Z}amp; a&{Z}b a & b"),
        ("why? what??", r"why? what\?\?"),
        ("# x", r"\# x"),
        ("---- --", r"\-\-\-\- \-\-"),
        (":) (x)", rf":{Z}\) \(x\)"),
    ],
)
def test_a_value_in_jira_wiki(text: str, expected: str) -> None:
    """Jira's own escape is the backslash; what has no escape is pulled apart."""
    assert fmt.value(text, BodyFormat.JIRA_WIKI) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"x":http://y', f"&#34;x&#34;:{Z}http:{Z}//y"),
        ("#12 r12 commit:ab attachment:x.txt", f"&#35;12 r{Z}12 commit:{Z}ab attachment:{Z}x.txt"),
        ("@user a@b.example", "&#64;user a&#64;b.example"),
        ("!img! {{toc}} [[Wiki]]", "&#33;img&#33; &#123;&#123;toc&#125;&#125; "
         "&#91;&#91;Wiki&#93;&#93;"),
        ("*b* my_name a - b", "&#42;b&#42; my_name a - b"),
        ("h1. x", "h1&#46; x"),
        ("<pre> &lt;", "&#60;pre&#62; &#38;lt;"),
        ("100% x%x%", "100&#37; x&#37;x&#37;"),
    ],
)  # fmt: skip
def test_a_value_in_textile(text: str, expected: str) -> None:
    """Textile has no escape; it leaves entities alone, as does Redmine when it looks for links."""
    assert fmt.value(text, BodyFormat.TEXTILE) == expected


def test_a_value_in_html() -> None:
    """Quotes too, since a template may put a value into an attribute."""
    shown = fmt.value("<b> \"q\" 'a' & @x [/code]", BodyFormat.HTML)

    assert shown == "&lt;b&gt; &quot;q&quot; &#x27;a&#x27; &amp; &#64;x &#91;/code&#93;"


def test_a_value_in_plain_text() -> None:
    """There is nothing to escape, only lines to join."""
    assert fmt.value("a *b*\n#1 LP: #2", BodyFormat.TEXT) == "a *b* #1 LP: #2"


@every_format
def test_an_ordinary_value(body_format: BodyFormat) -> None:
    """Plain words and amounts read the same in every format's source."""
    for text in ("Cache outputs", "2 working days", "2026-03-02 09:00 UTC", "stable/2026.1"):
        assert fmt.value(text, body_format) == text


# --- addresses --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body_format", "expected"),
    [
        (BodyFormat.TEXT, "Change 12 <https://r.example/c/a/+/12?x=1&y=2>"),
        (BodyFormat.MARKDOWN, "[Change 12](https://r.example/c/a/+/12?x=1&y=2)"),
        (BodyFormat.JIRA_WIKI, "[Change 12|https://r.example/c/a/+/12?x=1&y=2]"),
        (BodyFormat.TEXTILE, '"Change 12":https://r.example/c/a/+/12?x=1&y=2'),
        (BodyFormat.HTML, '<a href="https://r.example/c/a/+/12?x=1&amp;y=2">Change 12</a>'),
    ],
)
def test_a_link(body_format: BodyFormat, expected: str) -> None:
    """An ordinary address stays as it is, in the format's way to write a link."""
    assert fmt.link("https://r.example/c/a/+/12?x=1&y=2", "Change 12", body_format) == expected


@given(pieces, pieces)
def test_a_link_to_a_strange_address(path: str, label: str) -> None:
    """However an address and its label look, there is one link, to that address, and no more."""
    url, word = f"https://r.example/c/{path}/12", f"see {label} now"
    markdown = Seen(GFM.render(fmt.link(url, word, BodyFormat.MARKDOWN)))
    html = Seen(fmt.link(url, word, BodyFormat.HTML))
    # This renderer leaves & as it is, where Redmine escapes it, and drops an address's empty parts.
    bare = urlsplit(url.replace("&", "")).geturl()
    redmine = Seen(textile.textile("x " + fmt.link(bare, word, BodyFormat.TEXTILE) + " y"))
    lone = Seen(GFM.render(fmt.address(url, BodyFormat.MARKDOWN)))

    for seen, target in ((markdown, url), (lone, url), (html, url), (redmine, bare)):
        assert len(seen.links) == seen.tags.count("a") == 1
        assert unquote(seen.links[0] or "") == unquote(fmt.clean(target))
    assert markdown.text.strip() == html.text == fmt.title(word).replace(Z, "")
    assert not re.search(r"[\s()<>\[\]{}|\"'*!\\^`]", fmt.address(url, BodyFormat.JIRA_WIKI))


@every_format
def test_an_address_that_is_none(body_format: BodyFormat) -> None:
    """Only http and https make a link; anything else is a value."""
    assert fmt.link("javascript:alert(1)", "x", body_format) == "x"
    assert fmt.address("javascript:x", body_format) == fmt.value("javascript:x", body_format)


# --- lines ------------------------------------------------------------------------------------


def test_a_title_is_cut_visibly() -> None:
    """The limit counts the ellipsis."""
    cut = fmt.title("word " * 100, 20)

    assert len(cut) <= 20
    assert cut.endswith("\u2026")


def test_lone_surrogates_and_control_characters() -> None:
    """They would make a request that cannot be encoded or that a tracker refuses."""
    assert fmt.clean("a\ud800b\x00c\r\nd") == "a\ufffdbc\nd"
