"""The page of a report in a real browser: nothing clipped, nothing asked for, axe-core content."""

from __future__ import annotations

from pathlib import Path

import pytest
from sandbox.report import browser

from report_parts import sections
from reviewloop.page.document import document


@pytest.fixture(name="ready", scope="module", autouse=True)
def _ready() -> None:
    """Skips, and says what is missing, where a page cannot be looked at."""
    lacking = browser.missing()
    if lacking:
        pytest.skip(f"NOT LOOKED AT IN A BROWSER. {' '.join(lacking)}")


def written(tmp_path: Path, text: str) -> Path:
    """A page on disk."""
    path = tmp_path / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


def test_page_with_every_chart(tmp_path: Path) -> None:
    """In every view: no word in the console, no request, no violation, no text cut off; keys do."""
    found = browser.look(written(tmp_path, document("Reviews", ["755 changes"], sections())))

    assert found.problems == {
        "360-light": [],
        "360-dark": [],
        "1280-light": [],
        "1280-dark": [],
        "print": [],
    }
    assert min(found.rules.values()) > 20


def test_page_that_is_not_fine(tmp_path: Path) -> None:
    """The look sees a script that the policy stops, a wide page, and what axe-core minds."""
    text = document("Reviews", [], [])
    bad = (
        '<script>document.title = "changed"</script><img src="http://127.0.0.1:9/a.png">'
        '<div style="width:3000px">wide</div><pre>' + "x" * 900 + "</pre>"
    )
    found = browser.look(written(tmp_path, text.replace("</main>", f"{bad}</main>")))
    said = "\n".join(line for lines in found.problems.values() for line in lines)

    assert not found.is_clean
    for word in ("Content Security Policy", "the page is", "axe: image-alt"):
        assert word in said
