"""How rows of the benchmarks are read from what each prints, and written as one page."""

from __future__ import annotations

from benchmarks.rows import Row, head, of_table
from benchmarks.run import Part, page

PART = Part("The sensor", "sensor")
FACTS = {"date": "2026-03-02", "machine": "2 cores"}


def test_rows_are_read_from_a_table_with_bars_around_it() -> None:
    """Heads and rulers are no rows; a column for notes may be left out."""
    printed = (
        "| work | now | floor | aim |\n|---|---|---|---|\n| quiet poll | 1 request | 1 | 1 |\n"
    )

    assert list(of_table(printed)) == [Row("quiet poll", "1 request", "1", "1")]


def test_rows_are_read_from_a_table_with_bars_between_cells() -> None:
    """Other lines, and lines of other tables, are left out; empty cells are kept."""
    printed = "Measured:\nrow | now | floor | aim\n---|---|---|---\nasks | 4 |  | 4\na | b\n"

    assert list(of_table(printed)) == [Row("asks", "4", "", "4")]


def test_a_row_is_read_as_it_was_printed() -> None:
    """What this form prints, it reads; a bar in a cell cannot break the table."""
    row = Row("cold start", "61 requests", "61", "<= 73", "1.0 x | 1.0 x")

    (found,) = of_table(f"{head()}\n{row}")

    assert found == Row("cold start", "61 requests", "61", "<= 73", "1.0 x / 1.0 x")


def test_the_page_shows_every_part() -> None:
    """A part that failed is not left out silently."""
    text = page([(PART, [Row("quiet poll", "1")]), (Part("Actions", "actions"), [])], FACTS)

    assert "| machine | 2 cores |" in text
    assert "## The sensor\n\n| work | measured | floor | aim | note |" in text
    assert "| quiet poll | 1 |  |  |  |" in text
    assert "## Actions\n\nThis part failed." in text
