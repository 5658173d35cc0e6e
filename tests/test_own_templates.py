"""An operator's folder of templates, as the actions use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewloop.errors import ConfigError
from reviewloop.operations import review, tickets
from tools import Desktop


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    return tmp_path


def test_a_ticket_in_ones_own_words(folder: Path) -> None:
    """The operator's template makes the ticket; what is not in the folder is the pack's."""
    (folder / "ticket_open.markdown.j2").write_text("Please: {{ change.subject }}", "utf-8")
    desktop = Desktop(tracker={"templates": str(folder)})

    number = desktop.escalated(subject="Cache @team")
    tickets.close_ticket(desktop.tools(), number)

    assert desktop.issue(number)["body"].startswith("Please: Cache @\u200bteam\n")
    assert "The wait is over" in desktop.comments(number)


def test_a_comment_on_the_change_in_ones_own_words(folder: Path) -> None:
    """So does it for the comment on the change."""
    (folder / "escalate.text.j2").write_text("Could {{ asked | first }} look?", "utf-8")
    desktop = Desktop(tracker={"templates": str(folder)})
    number = desktop.escalated()

    review.post_review(
        desktop.tools(),
        number,
        purpose="escalate",
        event_id=desktop.event(number),
        asked=[desktop.member],
    )

    assert "look?" in desktop.gerrit.changes[number].messages[-1]["message"]


def test_a_template_at_fault(folder: Path) -> None:
    """It is named with its line, and nothing is opened or ended because of it."""
    (folder / "ticket_over.markdown.j2").write_text("\n{{ who }}", "utf-8")
    desktop = Desktop(tracker={"templates": str(folder)})
    number = desktop.escalated()

    with pytest.raises(ConfigError) as caught:
        tickets.close_ticket(desktop.tools(), number)

    for word in ("templates", "ticket_over.markdown.j2, line 2", "who"):
        assert word in str(caught.value)
    assert desktop.issue(number)["state"] == "open"
    assert [ask.open for ask in desktop.tools().asks.all()] == [True]
