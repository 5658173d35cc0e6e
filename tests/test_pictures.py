"""The pictures of the documents: drawn by the project from its own texts and contracts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, List
from xml.etree import ElementTree

import pytest
from sandbox import pictures, svg

from repository import ROOT

SVG = "{http://www.w3.org/2000/svg}"


def lines(picture: str) -> List[str]:
    """The lines of text in a picture, in the order in which they are drawn."""
    root = ElementTree.fromstring(picture)
    return [one.text or "" for one in root.iter(f"{SVG}text")]


def golden(name: str) -> str:
    """A text as it was approved: the first of its file."""
    text = (ROOT / "tests" / "golden" / f"{name}.text.txt").read_text(encoding="utf-8")
    return re.split(r"^=====.*=====\n", text, flags=re.MULTILINE)[1].strip()


@pytest.mark.parametrize("path", pictures.PICTURES, ids=lambda path: path.stem)
def test_picture_is_current(path: Path) -> None:
    """A picture is what the project draws now; `make pictures` writes it."""
    assert path.read_text(encoding="utf-8") == pictures.PICTURES[path]()


def test_no_picture_is_left_over() -> None:
    """Whatever lies beside the pictures is drawn, too."""
    assert set(pictures.FOLDER.iterdir()) == set(pictures.PICTURES)


@pytest.mark.parametrize("name", ["escalate", "ticket_open"])
def test_picture_shows_the_approved_texts(name: str) -> None:
    """The comment and the ticket are the pack's own, word for word, without the ticket's mark."""
    shown = " ".join(" ".join(lines(pictures.comment_and_ticket())).split())
    text = golden(name).split("[grv:")[0]

    assert " ".join(text.split()) in shown


def test_picture_of_layers_is_the_contract() -> None:
    """Each package of the import contract has a box, in the contract's order."""
    tools = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contract = tools.split("\nlayers = [")[1].split("]")[0]
    packages = re.findall(r"\w+", contract)

    drawn = [line for line in lines(pictures.architecture()) if line in packages]

    assert drawn == packages
    assert len(packages) > 8


@pytest.mark.parametrize("draw", pictures.PICTURES.values(), ids=lambda draw: draw.__name__)
def test_text_stays_within_its_picture(draw: Any) -> None:
    """Fixed-width lines end before the right edge, whatever font shows them."""
    root = ElementTree.fromstring(draw())
    width = int(root.attrib["width"])

    for one in root.iter(f"{SVG}text"):
        if "Mono" in one.get("font-family", ""):
            length = len(one.text or "") * int(one.attrib["font-size"]) * svg.MONO_WIDTH
            assert int(one.attrib["x"]) + length < width, one.text


def test_text_is_escaped() -> None:
    """What a text holds cannot end the picture."""
    drawn = svg.document(10, 10, "a < b", [svg.words(0, 0, "</text>&")])

    assert lines(drawn) == ["</text>&"]


def test_indented_lines_keep_their_form() -> None:
    """Commands stand below each other, as in the comment."""
    text = "To respond:\n  /ack      take it\n"

    assert svg.wrap(text, 500) == ["To respond:", "  /ack      take it", ""]


def test_picture_of_the_report_is_small_and_of_nobody() -> None:
    """It fits a README, follows the reader's scheme, and shows made-up names only."""
    drawn = pictures.report()
    shown = " ".join(lines(drawn))

    assert len(drawn) < 150_000
    assert "prefers-color-scheme:dark" in drawn
    assert "review.example.org" in shown
    assert "By project" in shown
