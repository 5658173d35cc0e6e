"""Text on its way into a tracker: values and addresses made harmless, caps, and the markers.

Pure functions. Texts pass every value they did not write themselves (a subject, a name, a branch)
through :func:`value` and every address through :func:`link` or :func:`address`; adapters pass whole
bodies through :func:`seal`, which also makes sure that no text from outside can pose as one of our
markers.

A value shows as it was and calls on nobody. Two means do that, in this order: what a format would
take for markup is escaped (by a backslash in Markdown and Jira, by an HTML entity in Textile and
HTML); what a tracker would make a link or a call of after that, in whatever markup, is pulled apart
by a zero-width space, which nobody sees. Plain text has no markup: there, lines are joined and no
more.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape
from typing import Callable, Dict, Iterator, Match, Optional
from urllib.parse import quote

from reviewloop.core.keys import KEY_PATTERN
from reviewloop.markup.formats import BODY_LIMIT, TITLE_LIMIT, BodyFormat

CUT = "\n\n(cut: the text was longer than this tracker takes)"

ZERO_WIDTH_SPACE = "\u200b"

_NAME = re.compile(r"[a-z0-9./:_-]+")
# Every form in which a marker is written, and those in which a tracker may give it back.
_MARKER = re.compile(
    r"(?:<!-- |&lt;!-- |\\?\[|&#91;)grv:([a-z0-9./:_-]+)(?: -->| --&gt;|\\?\]|&#93;)"
)
_POSING = re.compile(r"grv:(?=[a-z0-9./:_-])")
_BLANK = re.compile(r"\s+")
# Bidirectional overrides and isolates can make a line read as something else; they carry no letter.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# Where a zero-width space goes, in every format that has markup.
_SEAMS = re.compile(
    r"(?<=\D:)(?=\S)|(?<=^:)(?=\S)|(?<=\d:)(?=[^\s\d])"  # http://x, commit:x, :smile:; not 09:00
    r"|(?<=www)(?=\.)"
    r"|(?<=(?<![^\W_])gh-)(?=\d)"  # GH-1
    r"|(?<=\br)(?=\d)",  # r12, a revision
    re.IGNORECASE,
)
_ISSUE_KEY = re.compile(r"(?<![^\W_])([A-Z][A-Z0-9_]+-)(?=\d)")  # ABC-1

# Markdown: every punctuation mark that can mean something, and those that do at a line's beginning.
_MARKDOWN = re.compile(r"[\\`*_{}\[\]()<>#+!|~$&]|^[-=/:]")
_MARKDOWN_NUMBER = re.compile(r"^(\d{1,9})\.")
# What trackers take for a reference or a call once all is escaped: @name and #1; GitLab's !1,
# ~label, %milestone, $1, &1, ^alert, {+ +} and [- -]; [[page]] and {{macro}}.
_MARKDOWN_SEAMS = re.compile(r"(?<=@)|(?<=[#!~%$&^])(?=[\w.\"'#])|(?<=[\[{])(?=[\[{+-])")

# `*b*` and the like begin and end at the edge of a word. Inside one (my_name), and alone between
# spaces, these marks mean nothing and stay readable in the source.
_PHRASE = r"(?!(?<=\s)[*_+~^-](?=\s))(?:(?<![^\W_])[*_+~^-]|[*_+~^-](?![^\W_]))"

_JIRA = re.compile(rf"[{{}}\[\]()|#!@]|\?(?=\?)|(?<=\?)\?|{_PHRASE}")
_JIRA_SEAMS = re.compile(
    r"(?<=\\)"  # two backslashes are a line break, and one escapes what follows
    r"|(?<=&)(?=[#a-z])"  # an entity is shown as what it stands for
    r"|(?<=^h[1-6])(?=\.)|(?<=^bq)(?=\.)",
    re.IGNORECASE,
)

_TEXTILE = re.compile(
    rf"[%@!|#\[\]{{}}<>\"&`]|[?](?=[?])|(?<=[?])[?]|=(?==)|(?<==)=|^[=:]|{_PHRASE}"
    r"|(?<=\w)\(|\((?=(?:c|r|tm)\))",  # ABC(title), h1(class), (c)
    re.IGNORECASE,
)
_TEXTILE_BLOCK = re.compile(r"^([a-z]+[^\s.]*)\.(?![^\s.:])", re.IGNORECASE)  # h1. bq. p>. fn1.

_HTML_MORE = str.maketrans({"[": "&#91;", "]": "&#93;", "@": "&#64;"})

_ADDRESS = re.compile(r"(https?://)([^/?#]*)(.*)", re.DOTALL | re.IGNORECASE)


def clean(text: str) -> str:
    """Text without control characters, direction marks and lone surrogates; tabs and line ends
    stay.
    """
    return "".join(_kept(text.replace("\r\n", "\n").replace("\r", "\n")))


def _kept(text: str) -> Iterator[str]:
    for char in text:
        if char in "\n\t":
            yield char
        elif unicodedata.category(char) == "Cs":
            yield "\ufffd"
        elif unicodedata.category(char) != "Cc" and char not in _BIDI:
            yield char


def title(text: str, limit: int = TITLE_LIMIT) -> str:
    """One line of at most ``limit`` characters; an ellipsis shows where it was cut."""
    line = _BLANK.sub(" ", clean(text)).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "\u2026"


def value(text: str, body_format: BodyFormat, limit: int = TITLE_LIMIT) -> str:
    """A value from outside as one line, which the format shows as it was and which calls on
    nobody.
    """
    return _ESCAPES[body_format](title(text, limit))


def _plain(line: str) -> str:
    return line


def _markdown(line: str) -> str:
    line = _MARKDOWN.sub(_backslash, _apart(_MARKDOWN_SEAMS.sub(ZERO_WIDTH_SPACE, line)))
    return _MARKDOWN_NUMBER.sub(r"\1\\.", line)


def _jira(line: str) -> str:
    # Backslashes first: those that are put in afterwards must stay next to what they escape.
    return _JIRA.sub(_backslash, _apart(_JIRA_SEAMS.sub(ZERO_WIDTH_SPACE, line)))


def _textile(line: str) -> str:
    line = _TEXTILE.sub(lambda found: f"&#{ord(found.group())};", _apart(line))
    return _TEXTILE_BLOCK.sub(r"\1&#46;", line)


def _html(line: str) -> str:
    # ServiceNow, by way of an action, takes [code] and [/code] for the bounds of HTML.
    return escape(line, quote=True).translate(_HTML_MORE)


def _apart(line: str) -> str:
    return _ISSUE_KEY.sub(rf"\1{ZERO_WIDTH_SPACE}", _SEAMS.sub(ZERO_WIDTH_SPACE, line))


def _backslash(found: Match[str]) -> str:
    return "\\" + found.group()


_ESCAPES: Dict[BodyFormat, Callable[[str], str]] = {
    BodyFormat.TEXT: _plain,
    BodyFormat.MARKDOWN: _markdown,
    BodyFormat.JIRA_WIKI: _jira,
    BodyFormat.TEXTILE: _textile,
    BodyFormat.HTML: _html,
}


def address(url: str, body_format: BodyFormat) -> str:
    """An address to stand alone in a text: nothing in it ends it early or means something else.

    What is no http(s) address is shown like any other value.
    """
    safe = _safe(url)
    if not safe:
        return value(url, body_format)
    if body_format is BodyFormat.MARKDOWN:
        return f"<{safe}>"
    return escape(safe) if body_format is BodyFormat.HTML else safe


def link(url: str, label: str, body_format: BodyFormat) -> str:
    """A link; plain text shows label and address. The label is made harmless here."""
    shown, safe = value(label, body_format), _safe(url)
    if not safe:
        return shown
    if body_format is BodyFormat.HTML:
        safe = escape(safe)
    return _LINKS[body_format].format(label=shown, url=safe)


_LINKS = {
    BodyFormat.TEXT: "{label} <{url}>",
    BodyFormat.MARKDOWN: "[{label}]({url})",
    BodyFormat.JIRA_WIKI: "[{label}|{url}]",
    BodyFormat.TEXTILE: '"{label}":{url}',
    BodyFormat.HTML: '<a href="{url}">{label}</a>',
}


def _safe(url: str) -> str:
    """An http(s) address of letters, digits and what no markup knows; "" for anything else."""
    found = _ADDRESS.fullmatch(clean(url).strip())
    if found is None:
        return ""
    scheme, host, rest = found.groups()
    rest = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", rest)
    return scheme + quote(host, safe=":[]") + quote(rest, safe="/:?#&=+%,~")


def capped(text: str, limit: int) -> str:
    """Text of at most ``limit`` characters, saying so where it was cut."""
    if len(text) <= limit:
        return text
    # Half a tag would take what follows into itself.
    return re.sub(r"<[^<>]{0,2000}\Z", "", text[: limit - len(CUT)]).rstrip() + CUT


def marker(name: str, body_format: BodyFormat) -> str:
    """The line by which this package knows its own text again.

    Hidden in Markdown, as an HTML comment. Visible everywhere else: in HTML too, as small print,
    since trackers strip comments from HTML, and ServiceNow's journal shows them as text. In Jira
    the brackets are escaped, which would make a link otherwise.

    It holds only a key or ``key/step``, never text from outside.

    :raises ValueError: the name holds something else.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"A marker is made of a-z, 0-9 and ./:_- only, not {name!r}.")
    return _MARKERS[body_format].format(name)


_MARKERS = {
    BodyFormat.TEXT: "[grv:{}]",
    BodyFormat.MARKDOWN: "<!-- grv:{} -->",
    BodyFormat.JIRA_WIKI: "\\[grv:{}\\]",
    BodyFormat.TEXTILE: "[grv:{}]",
    BodyFormat.HTML: "<p><small>[grv:{}]</small></p>",
}
# Those that take HTML comments out, with all that stands in one; one that never ends would take
# everything below it.
_WITH_COMMENTS = (BodyFormat.MARKDOWN, BodyFormat.TEXTILE, BodyFormat.HTML)


def unmarked(text: str, body_format: BodyFormat) -> str:
    """Text in which nothing can be taken for one of our markers, whatever a tracker makes of its
    brackets, and in which no HTML comment begins.
    """
    if body_format in _WITH_COMMENTS:
        text = text.replace("<!--", "&lt;!--")
    return _POSING.sub("grv ", text)


def seal(text: str, name: str, body_format: BodyFormat, limit: int = BODY_LIMIT) -> str:
    """Clean, capped text of at most ``limit`` characters with its marker as the last line."""
    tail = "\n\n" + marker(name, body_format)
    return capped(unmarked(clean(text), body_format).rstrip(), limit - len(tail)) + tail


def is_marked(text: str, name: str) -> bool:
    """True if a text bears the marker, in any form."""
    return name in _MARKER.findall(text)


def key_in(text: str) -> Optional[str]:
    """The key a ticket's body is marked with: the last one, since ours is written last."""
    keys = [name for name in _MARKER.findall(text) if KEY_PATTERN.fullmatch(name)]
    return keys[-1] if keys else None


def without_key(text: str, key: str) -> str:
    """A ticket's body whose marker says that it is a duplicate, so that no listing takes it up
    again.
    """

    def retired(found: Match[str]) -> str:
        whole = found.group()
        return whole.replace(f"grv:{key}", f"grv:{key}/duplicate") if found[1] == key else whole

    return _MARKER.sub(retired, text)
