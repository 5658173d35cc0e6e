"""What people read.

The texts themselves stand in ``golden/<purpose>.<format>.txt`` and are compared exactly. After a
change of a template: ``UPDATE_GOLDEN=1 python -m pytest tests/test_messages.py``, then read the
difference.
"""

from __future__ import annotations

import os
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Dict, List, Tuple

import jinja2
import pytest
import textile
from markdown_it import MarkdownIt

from reviewloop.core.change import Account
from reviewloop.core.policy import Policy
from reviewloop.core.roster import Member
from reviewloop.core.turns import Party
from reviewloop.core.worktime import Calendar
from reviewloop.errors import ConfigError
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.messages.check import USUAL, check_folder, example
from reviewloop.messages.render import FOLDER, render
from reviewloop.messages.subject import Gone, name_of, title, why, working_days

GOLDEN = Path(__file__).parent / "golden"
MANUAL = Path(__file__).parent.parent / "docs" / "templates.md"
KEY = "grv-0123456789abcdef"
SUBJECT = example()
MEMBER = SUBJECT.asked[0]
HOSTILE = (
    '@team #1 !2 --> {code} {{ 7*7 }} "x":http://e.example <script> [~user] !img! `/close` *b* a&b'
    " \u202eABC-1"
)
# They exist in every format; comments on changes are plain text.
TICKET_PURPOSES = (
    "ticket_open",
    "ticket_update",
    "ticket_joined",
    "ticket_over",
    "ticket_gone",
    "ticket_linked",
)
NAUGHTY = replace(
    SUBJECT,
    change=replace(
        SUBJECT.change,
        subject=HOSTILE,
        branch="/close",
        project='p/"><!--',
        owner=Account(1, "@owner\n/close"),
    ),
    asked=(Member(Account(7, "[x](http://e.example)|*@two*")),),
    url='https://review.example.org/c/p/")](x)/+/12',
    ticket_url="https://tracker.example.org/issue3?a=1&b=2",
)
FREE = replace(SUBJECT, asked=(), ticket_url="")
JOINED = replace(
    SUBJECT,
    joined=tuple((number, f"https://review.example.org/{number}") for number in (13, 14)),
)
TIMED = replace(SUBJECT, usual=USUAL)

Made = Tuple[str, BodyFormat]
TEXTS: List[Made] = sorted(
    (purpose, BodyFormat(body_format))
    for purpose, body_format, _ in (path.name.split(".") for path in FOLDER.glob("*.j2"))
)
ON_TICKETS = [one for one in TEXTS if one[0] in ("ticket_open", "ticket_update", "ticket_linked")]
ASKING = [*ON_TICKETS, ("escalate", BodyFormat.TEXT)]
"""Texts that ask somebody of the committee for something."""


def each(texts: List[Made]) -> Any:
    """A test of each of some texts."""
    names = [f"{purpose}.{body_format.value}" for purpose, body_format in texts]
    return pytest.mark.parametrize(("purpose", "body_format"), texts, ids=names)


def cases(purpose: str) -> Dict[str, Dict[str, Any]]:
    """What each purpose is written about."""
    if purpose == "ticket_gone":
        return {reason.value: {"reason": reason} for reason in Gone}
    if purpose == "ticket_over":
        return {
            "ordinary": {"how_text": "somebody reviewed the change"},
            "hostile": {"how_text": HOSTILE},
        }
    if purpose == "ticket_joined":
        url = "https://review.example.org/13"
        return {
            "ordinary": {"number": 13, "url": url, "how_text": "somebody reviewed the change"},
            "not to be named": {"number": "", "url": "", "how_text": ""},
            "hostile": {"number": 13, "url": NAUGHTY.url, "how_text": HOSTILE},
        }
    told: Dict[str, Dict[str, Any]] = {
        "ordinary": {"subject": SUBJECT},
        "nobody asked": {"subject": FREE},
        "hostile": {"subject": NAUGHTY},
    }
    if purpose not in ("nudge", "label"):
        told["with others"] = {"subject": JOINED}
    if purpose != "label":
        told["with the usual time"] = {"subject": TIMED}
        told["with a hostile time"] = {"subject": replace(TIMED, usual=USUAL + HOSTILE)}
    return told


def put(folder: Path, name: str, text: str) -> Path:
    """A template of the operator's."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# --- the texts --------------------------------------------------------------------------------


@each(TEXTS)
def test_every_text_as_it_was_approved(purpose: str, body_format: BodyFormat) -> None:
    """A text changes only together with the file that shows it."""
    sections = []
    for name, given in cases(purpose).items():
        text = render(purpose, body_format, **given)
        if purpose in TICKET_PURPOSES:
            text = fmt.seal(text, KEY, body_format)
        sections.append(f"===== {name} =====\n{text}\n")
    path = GOLDEN / f"{purpose}.{body_format.value}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_bytes("\n".join(sections).encode("utf-8"))

    assert "\n".join(sections) == path.read_bytes().decode("utf-8")


def test_every_golden_file_shows_a_text_there_is() -> None:
    """A text that was taken out takes its file along."""
    assert {path.name for path in GOLDEN.iterdir()} == {
        f"{purpose}.{body_format.value}.txt" for purpose, body_format in TEXTS
    }


def test_every_purpose_in_every_format_needed() -> None:
    """Comments are plain text; what stands on tickets exists in each format."""
    comments = {(one, BodyFormat.TEXT) for one in ("escalate", "nudge", "label")}
    tickets = {(one, body_format) for one in TICKET_PURPOSES for body_format in BodyFormat}

    assert set(TEXTS) == comments | tickets


@pytest.mark.parametrize("party", [Party.REVIEWERS, Party.OWNER, Party.SUBMITTER])
@each(TEXTS)
def test_every_text_for_every_party(purpose: str, body_format: BodyFormat, party: Party) -> None:
    """Every text says how long the wait is, unless it is over, and none of them blames anybody."""
    for given in cases(purpose).values():
        about = given.get("subject")
        now = {"subject": replace(about, party=party)} if about else given
        text = render(purpose, body_format, **now)

        assert ("2 working days" in text) is bool(about)
        assert not {"failed", "ignored", "blame", "late", "lazy"} & set(text.lower().split())


@each(ON_TICKETS)
def test_the_first_line_says_what_it_is_about(purpose: str, body_format: BodyFormat) -> None:
    """A text on a ticket that asks something begins with the change and its wait, then who is
    asked.
    """
    first, second, *_ = render(purpose, body_format, SUBJECT).splitlines()

    assert "Change 12" in first
    assert "2 working days" in first
    assert "Committee Two" in second
    assert "to review it" in second


@each(ASKING)
def test_every_text_that_asks_says_the_ways_out(purpose: str, body_format: BodyFormat) -> None:
    """Whoever is asked can take it, hand it on, or let it wait."""
    text = render(purpose, body_format, SUBJECT)

    assert all(command in text for command in ("/ack", "/pass", "/snooze 5d REASON"))
    assert "no-escalation" in text


@each(ASKING)
def test_nobody_asked(purpose: str, body_format: BodyFormat) -> None:
    """Without a name the text says so and wants a volunteer: nothing is told of the roster, and
    nobody is made up.
    """
    text = render(purpose, body_format, FREE)

    assert "Nobody in particular is asked" in text
    assert re.search(r"volunteer\W+is wanted", re.sub("<[^>]*>", "", text))
    assert not {"committee", "roster"} & set(re.findall(r"\w+", text.lower()))
    assert "Why" not in text
    assert "Ticket:" not in text


@pytest.mark.parametrize("body_format", list(BodyFormat))
@pytest.mark.parametrize("reason", list(Gone))
def test_a_change_that_is_gone(body_format: BodyFormat, reason: Gone) -> None:
    """Nothing is told of the change, even to a template that is given it: it may be private now."""
    text = render("ticket_gone", body_format, NAUGHTY, reason=reason)

    assert text == render("ticket_gone", body_format, reason=reason.value)
    assert not re.search(r"\d|http|tools|Author|Committee", text)


@pytest.mark.parametrize("body_format", list(BodyFormat))
def test_a_related_change_that_may_not_be_named(body_format: BodyFormat) -> None:
    """It is said that one is not waiting any more, and not which."""
    text = render("ticket_joined", body_format, NAUGHTY, number="", url="", how_text="")

    assert "is not waiting any more." in text
    assert not re.search(r"\d|http|tools|Author|Committee", text)


@pytest.mark.parametrize("purpose", ["ticket_joined", "ticket_over", "ticket_gone"])
def test_a_template_that_asks_what_may_not_be_told(purpose: str, tmp_path: Path) -> None:
    """Where the change is no longer looked at, its values are not there."""
    put(tmp_path, f"{purpose}.text.j2", "{{ change.subject }}")

    with pytest.raises(ConfigError, match="'change' is undefined"):
        render(purpose, BodyFormat.TEXT, SUBJECT, str(tmp_path), how_text="x", reason="hidden")


def test_a_text_about_nothing() -> None:
    """A text about a change cannot be made without one."""
    with pytest.raises(ValueError, match="ticket_open is about a change"):
        render("ticket_open", BodyFormat.TEXT)


def test_a_text_there_is_not() -> None:
    """A purpose or format without a template is a fault of this package, not of the operator."""
    with pytest.raises(jinja2.TemplateNotFound):
        render("nudge", BodyFormat.HTML, SUBJECT)


# --- values from outside ----------------------------------------------------------------------


def test_hostile_texts() -> None:
    """A subject cannot call on a team, link, or end a hidden marker, and is not evaluated."""
    text = render("ticket_open", BodyFormat.MARKDOWN, NAUGHTY)

    assert "@team" not in text
    assert "#1 " not in text
    assert "<!--" not in text
    assert "-->" not in text
    assert "](http://e.example)" not in text
    assert "49" not in text


def tags(text: str, body_format: BodyFormat) -> List[str]:
    """What a renderer makes of a text's markup; Textile's spans around capitals left out."""
    if body_format is BodyFormat.MARKDOWN:
        text = MarkdownIt("gfm-like").render(text)
    elif body_format is BodyFormat.TEXTILE:
        text = textile.textile(text)
    return [one for one in re.findall(r"</?[a-z0-9]+", text) if "span" not in one]


@pytest.mark.parametrize("body_format", [BodyFormat.MARKDOWN, BodyFormat.TEXTILE, BodyFormat.HTML])
@pytest.mark.parametrize("purpose", ["ticket_open", "ticket_update", "ticket_linked"])
def test_hostile_texts_as_a_renderer_shows_them(purpose: str, body_format: BodyFormat) -> None:
    """Hostile values leave a text's paragraphs, lists and one link as they are."""
    ordinary, hostile = (render(purpose, body_format, one) for one in (SUBJECT, NAUGHTY))

    assert tags(hostile, body_format) == tags(ordinary, body_format)
    assert tags(ordinary, body_format).count("<a") == 1


@pytest.mark.parametrize("written", ["{{ x }}", "{{ x | e }}", "{{ x | safe }}", "{{ x | upper }}"])
@pytest.mark.parametrize(
    "printed",
    [
        "change.subject",
        "(change.subject ~ waiting)",
        "((waiting | outside) ~ change.subject)",
        "[change.subject, 'x'] | join(' and ')",
        "change",
    ],
)
def test_a_template_that_forgets_to_escape(written: str, printed: str, tmp_path: Path) -> None:
    """Whatever a template does with a value before it prints it, what comes out is harmless."""
    put(tmp_path, "ticket_open.markdown.j2", written.replace("x", printed, 1))
    text = render("ticket_open", BodyFormat.MARKDOWN, NAUGHTY, str(tmp_path))

    assert not re.search(r"(?<!\\)[<>\[*`]|@team|#1|://", text, re.IGNORECASE)


def test_a_value_escaped_twice(tmp_path: Path) -> None:
    """The filter may be written; it changes nothing."""
    put(tmp_path, "ticket_open.markdown.j2", "{{ change.subject | outside | outside }}")

    assert render("ticket_open", BodyFormat.MARKDOWN, NAUGHTY, str(tmp_path)) == fmt.value(
        HOSTILE, BodyFormat.MARKDOWN
    )


# --- the operator's folder --------------------------------------------------------------------


def test_a_template_of_the_operators(tmp_path: Path) -> None:
    """A file of the same name goes before the pack's; every other text stays the pack's."""
    put(tmp_path, "ticket_open.text.j2", "Look at {{ url | address }}, {{ asked | first }}.\n")
    text = render("ticket_open", BodyFormat.TEXT, SUBJECT, folder=str(tmp_path))

    assert text == "Look at https://review.example.org/c/tools/build/+/12, Committee Two."
    for purpose in ("ticket_update", "escalate"):
        assert render(purpose, BodyFormat.TEXT, SUBJECT, str(tmp_path)) == render(
            purpose, BodyFormat.TEXT, SUBJECT
        )


def test_a_template_that_is_corrected(tmp_path: Path) -> None:
    """The next text is made from the file as it is then."""
    path = put(tmp_path, "ticket_open.text.j2", "{{ nobody }}")
    with pytest.raises(ConfigError):
        render("ticket_open", BodyFormat.TEXT, SUBJECT, str(tmp_path))
    put(tmp_path, "ticket_open.text.j2", "better")
    os.utime(path, (1, 1))

    assert render("ticket_open", BodyFormat.TEXT, SUBJECT, str(tmp_path)) == "better"


def test_a_part_that_templates_share(tmp_path: Path) -> None:
    """A file with an underscore is a part of others; no text is made from it alone."""
    put(tmp_path, "_foot.j2", "Ask in {{ change.project }}.")
    put(tmp_path, "ticket_open.text.j2", 'Hello.\n{% include "_foot.j2" %}')

    assert render("ticket_open", BodyFormat.TEXT, SUBJECT, str(tmp_path)) == (
        "Hello.\nAsk in tools/build."
    )
    assert check_folder(str(tmp_path)) == []


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("ok\n{% if asked %}", 2, "Unexpected end of template"),
        ("ok\n\n{{ chnage }}", 3, "'chnage' is undefined"),
        ("ok\n{{ change.subjcet }}", 2, "no attribute 'subjcet'"),
        ("{{ waiting | shout }}", 1, "shout"),
        ("ok\n{{ 1 / 0 }}", 2, "division by zero"),
        ("{{ asked | join(1, 2, 3, 4) }}", 1, "arguments"),
        ("ok\n{{ change.__class__.__mro__ }}", 2, "unsafe"),
        ("ok\n{{ range(1000000) }}", 2, "Range too big"),
        ('ok\n{% include "_no.j2" %}', 2, "there is no template '_no.j2'"),
    ],
)
def test_a_template_at_fault(text: str, line: int, says: str, tmp_path: Path) -> None:
    """The error names the key, the file, the line, what is wrong, and the way back."""
    path = put(tmp_path, "ticket_open.text.j2", text)

    with pytest.raises(ConfigError) as caught:
        render("ticket_open", BodyFormat.TEXT, SUBJECT, str(tmp_path))

    assert caught.value.message.startswith(f"templates: {path}, line {line}: ")
    assert says in caught.value.message
    assert "take the file out of the folder" in caught.value.remedy
    problems = check_folder(str(tmp_path))
    assert len(problems) == 1
    assert f"{path}, line {line}: " in problems[0]


def test_a_part_at_fault(tmp_path: Path) -> None:
    """The fault is told where it stands, not where the part is included."""
    part = put(tmp_path, "_foot.j2", "a\n{{ b.c }}")
    put(tmp_path, "ticket_open.text.j2", '{% include "_foot.j2" %}')

    assert [f"{part}, line 2: 'b' is undefined" in one for one in check_folder(str(tmp_path))] == [
        True
    ]


def test_a_template_that_makes_nothing(tmp_path: Path) -> None:
    """An empty text would be refused by a tracker."""
    put(tmp_path, "ticket_open.text.j2", "{# nothing #}\n")

    assert ["makes an empty text" in one for one in check_folder(str(tmp_path))] == [True]


def test_a_template_that_is_not_text(tmp_path: Path) -> None:
    """A file in another encoding is told as such."""
    (tmp_path / "ticket_open.text.j2").write_bytes(b"caf\xe9")

    assert check_folder(str(tmp_path)) == [
        f"templates: {tmp_path / 'ticket_open.text.j2'}: it is not written in UTF-8."
        " Correct it, or take the file out of the folder: the pack's own text serves then."
    ]


def test_a_fault_in_the_operators_folder_elsewhere(tmp_path: Path) -> None:
    """A text is not kept back by a fault in another one's template."""
    put(tmp_path, "ticket_open.text.j2", "{{")

    assert render("ticket_update", BodyFormat.TEXT, SUBJECT, str(tmp_path))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The error names the key and the folder, before anything is written."""
    folder = str(tmp_path / "nowhere")

    with pytest.raises(ConfigError, match=r"templates: there is no folder '.*nowhere'"):
        render("ticket_open", BodyFormat.TEXT, SUBJECT, folder)
    assert len(check_folder(folder)) == 1


def test_a_folder_without_a_fault(tmp_path: Path) -> None:
    """Copies of all the pack's templates are in order, and other files are left alone."""
    for path in FOLDER.glob("*.j2"):
        put(tmp_path, path.name, path.read_text(encoding="utf-8"))
    put(tmp_path, "README.md", "ours")
    (tmp_path / "old").mkdir()

    assert check_folder(str(tmp_path)) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ticket_opne.text.j2", "ticket_open.text.j2"),
        ("ticket_open.markdown", "ticket_open.markdown.j2"),
        ("ticket_update.jira.j2", "ticket_update.jira_wiki.j2"),
        ("ticket_open.text.j2~", "ticket_open.text.j2"),
    ],
)
def test_a_file_name_with_a_slip(name: str, meant: str, tmp_path: Path) -> None:
    """A file that no text is made from is told, with the name that was meant."""
    put(tmp_path, name, "x")

    assert check_folder(str(tmp_path)) == [
        f"templates: {tmp_path / name}: no text has this name, so it is never used."
        f" Did you mean {meant}?"
    ]


def test_a_template_of_another_name(tmp_path: Path) -> None:
    """Without a likely name the manual is pointed at."""
    put(tmp_path, "zzz.j2", "x")

    assert check_folder(str(tmp_path))[0].endswith("See docs/templates.md for the names.")


def test_names_that_are_not_there_in_a_branch(tmp_path: Path) -> None:
    """All of them are told at once, with their lines, though no example may go that way."""
    path = put(
        tmp_path,
        "ticket_open.text.j2",
        "x\n{% if human_reviews > 99 %}\n{{ owners }}\n{{ zzz }}\n{% endif %}",
    )
    first, second = check_folder(str(tmp_path))

    assert f"{path}, line 3: 'owners' is undefined. Did you mean owner?" in first
    assert f"{path}, line 4: 'zzz' is undefined. Correct it" in second


def test_a_fault_that_only_an_empty_roster_shows(tmp_path: Path) -> None:
    """Templates are tried with nobody asked, and for every party."""
    path = put(tmp_path, "ticket_open.text.j2", "x\n{{ asked[0] }}")

    assert [f"{path}, line 2: " in one for one in check_folder(str(tmp_path))] == [True]


# --- the manual -------------------------------------------------------------------------------


def manual_table(heading: str) -> List[str]:
    """The first column of the table under a heading, without its marks."""
    section = MANUAL.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_the_manual_lists_every_variable() -> None:
    """What a template may use stands in docs/templates.md, and nothing else does."""
    listed = manual_table("Variables")
    about = {f"change.{field.name}" for field in fields(SUBJECT.change)}
    top = [name for name in listed if not name.startswith("change.")]

    assert sorted(top) == sorted([*SUBJECT.model(), "number", "how_text", "reason"])
    assert {name for name in listed if name.startswith("change.")} <= about


def test_the_manual_lists_every_purpose_and_filter() -> None:
    """Purposes and the pack's own filters stand in docs/templates.md."""
    assert manual_table("Purposes") == list(dict.fromkeys(p for p, _ in manual_order()))
    assert manual_table("Filters") == ["outside", "link", "address"]


def manual_order() -> List[Made]:
    """Comments first, then tickets in the order of their lives."""
    order = ["escalate", "nudge", "label", *TICKET_PURPOSES]
    return sorted(TEXTS, key=lambda one: order.index(one[0]))


def test_the_manuals_example(tmp_path: Path) -> None:
    """The template that docs/templates.md shows works."""
    text = MANUAL.read_text(encoding="utf-8").split("```jinja\n")[1].split("```")[0]
    put(tmp_path, "ticket_open.markdown.j2", text)

    assert check_folder(str(tmp_path)) == []


# --- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (86_400, "1 working day"),
        (129_600, "1.5 working days"),
        (3_600, "1 working hour"),
        (10_000, "2.8 working hours"),
        (10 * 86_400, "10 working days"),
    ],
)
def test_amounts(seconds: int, text: str) -> None:
    """Amounts read as people say them."""
    assert working_days(seconds, Policy().calendar) == text


def test_short_days() -> None:
    """A working day is the calendar's, not 24 hours."""
    office = Policy(calendar=Calendar(start=9 * 3600, length=8 * 3600))

    assert working_days(16 * 3600, office.calendar) == "2 working days"


def test_title() -> None:
    """A title does not change while the wait grows, and fits a tracker's limit."""
    change = SUBJECT.change

    assert title(change, Party.REVIEWERS) == "Review wanted: tools/build change 12: Cache outputs"
    assert len(title(replace(change, subject="x" * 999), Party.OWNER)) <= 255


def test_reasons() -> None:
    """Who looks after a project is told so; others were next."""
    assert why(MEMBER, "tools/build") == "looks after this project"
    assert "fair order" in why(MEMBER, "other")


def test_names_of_people() -> None:
    """A person without a name is called by the user name or the account, never by the address."""
    assert name_of(Account(3, "", "a@b.example", "two")) == "two"
    assert name_of(Account(3, "", "a@b.example")) == "account 3"
