"""Charts: specifications that Vega-Lite's schema accepts, and drawings that fit any page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any, Callable, Dict, Mapping
from xml.etree import ElementTree

import pytest
from sandbox import npm, vegalite

from report_parts import CHARTS, HOSTILE, bars, field, of, panels, survival
from repository import ROOT
from reviewloop.errors import ConfigError
from reviewloop.page import vega
from reviewloop.page.drawing import fit_for_page

EACH = pytest.mark.parametrize(
    "chart", [one for _, one in CHARTS], ids=[name for name, _ in CHARTS]
)
SIZES = pytest.mark.parametrize("width", [326, 760])


@pytest.fixture(name="drawn", scope="module")
def _drawn() -> Callable[..., str]:
    """What draws a chart."""
    return lambda chart, width=760: fit_for_page(vega.draw(chart, width), "a-")


@pytest.fixture(name="schema", scope="module")
def _schema() -> Dict[str, Any]:
    if not (vegalite.is_cached() or npm.has_npm()):
        pytest.skip("npm, which fetches Vega-Lite's schema, is not on this machine")
    return vegalite.schema()


@EACH
@SIZES
def test_schema_accepts(schema: Dict[str, Any], chart: Mapping[str, Any], width: int) -> None:
    """A specification is Vega-Lite's before and after it is made ready."""
    for one in (chart, vega.ready(chart, width)):
        assert list(vegalite.faults(one, schema)) == []


def test_schema_refuses(schema: Dict[str, Any]) -> None:
    """A mark that there is not, and a key that is none, are found."""
    assert list(vegalite.faults({**survival(), "layer": [{"mark": "banana"}]}, schema))
    assert list(vegalite.faults({**bars(["a"]), "colour": "red"}, schema))


@EACH
@SIZES
def test_drawing_has_only_named_colours(
    drawn: Callable[..., str], chart: Mapping[str, Any], width: int
) -> None:
    """Whatever is painted has a colour of the page's, so that both schemes show it."""
    picture = drawn(chart, width)
    painted = set(re.findall(r' (?:fill|stroke|stop-color)="([^"]+)"', picture))

    assert {one for one in painted if not one.startswith(("var(--", "url(#a-"))} <= {
        "none",
        "transparent",
    }
    assert re.search(r'viewBox="0 0 (\d+)', picture)
    assert "style=" not in picture


@EACH
def test_drawing_is_as_wide_as_asked(drawn: Callable[..., str], chart: Mapping[str, Any]) -> None:
    """Axes and legends have room inside of the width, up to the edge of small multiples."""
    for width in (326, 760):
        root = ElementTree.fromstring(drawn(chart, width))
        assert float(root.attrib["viewBox"].split()[2]) <= width + 40


def test_panels_beside_each_other() -> None:
    """As many as have room and are there; rows of panels have the whole width."""
    columns = [vega.ready(panels(list("abcde")[:many]), 760)["columns"] for many in (1, 2, 5)]
    assert columns == [1, 2, 3]
    assert vega.ready(panels(list("abcde")), 326)["columns"] == 1
    rows = of([], mark="line", encoding={"row": field("a", "nominal")})
    assert vega.ready(rows, 760)["width"] > 600


def test_legend_is_as_wide_as_the_picture() -> None:
    """Entries that are long stand below each other."""
    for name, columns in (("CI", 6), ("gate (CI) before submitting", 1)):
        chart = of([{"a": name}], mark="bar", encoding={"color": field("a", "nominal")})
        assert vega.ready(chart, 326)["config"]["legend"]["columns"] == columns


def test_texts_are_escaped(drawn: Callable[..., str]) -> None:
    """A name with markup in it is text."""
    root = ElementTree.fromstring(drawn(bars([HOSTILE, "x"])))
    texts = [one.text or "" for one in root.iter("text")]

    assert any(text.startswith("tools/</style>") for text in texts)
    assert not list(root.iter("script"))
    assert not list(root.iter("img"))


def test_drawing_with_a_picture_or_link_in_it() -> None:
    """An element that no chart needs is refused; attributes that none needs are dropped."""
    for bad in ("<script/>", "<image href='x'/>", "<a href='x'/>", "<foreignObject/>"):
        with pytest.raises(ValueError, match="which no chart needs"):
            fit_for_page(f"<svg xmlns='http://www.w3.org/2000/svg'>{bad}</svg>", "a-")
    kept = fit_for_page(
        "<svg xmlns='http://www.w3.org/2000/svg'><path d='M0,0' fill='red' onclick='x()'"
        " style='fill:blue'/></svg>",
        "a-",
    )
    assert "onclick" not in kept
    assert "style" not in kept
    with pytest.raises(ValueError, match="no XML"):
        fit_for_page("<svg>", "a-")
    with pytest.raises(ValueError, match="of nothing"):
        fit_for_page("<g/>", "a-")


def test_rule_that_is_drawn_for_each_row() -> None:
    """Of lines that lie upon each other one is kept; a line elsewhere stays."""
    line = "<line x2='0' y2='9' stroke='red'/>"
    other = line.replace("9", "8")
    kept = fit_for_page(
        f"<svg xmlns='http://www.w3.org/2000/svg'><g>{line * 3}{other}{line}</g></svg>", "a-"
    )

    assert kept.count("<line") == 3


def test_ids_are_of_one_drawing(drawn: Callable[..., str]) -> None:
    """What a drawing refers to is in it, under a name of its own."""
    for _, chart in CHARTS:
        picture = drawn(chart)
        used = set(re.findall(r"url\(#([\w-]+)\)", picture))
        assert used <= set(re.findall(r'id="([^"]+)"', picture))
        assert all(one.startswith("a-") for one in used)


@pytest.mark.parametrize("url", ["file:///etc/hosts", "http://127.0.0.1:9/data.json"])
def test_data_from_elsewhere(url: str) -> None:
    """Nothing is fetched: a chart must hold its data, and each of its layers."""
    for chart in (bars(["a"]), survival()):
        inner = {"mark": "point", "data": {"url": url}}
        for bad in ({**chart, "data": {"url": url}}, {**chart, "layer": [inner]}):
            with pytest.raises(ValueError, match="not in it"):
                vega.draw(bad, 760)


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland"])
def test_time_zone_of_the_machine(drawn: Callable[..., str], zone: str) -> None:
    """The same instants are drawn at the same places wherever the report is made."""
    code = (
        "import sys, report_parts; from reviewloop.page import vega;"
        "sys.stdout.write(vega.draw(report_parts.weeks(), 760))"
    )
    pictures = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "TZ": name, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for name in ("UTC", zone)
    ]
    assert pictures[0] == pictures[1]


@pytest.fixture(name="nothing_draws")
def _nothing_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)


@pytest.mark.usefixtures("nothing_draws")
def test_renderer_that_is_missing() -> None:
    """The error names the package, and what to type for the command and for the action."""
    with pytest.raises(ConfigError) as caught:
        vega.draw(survival(), 760)

    assert vega.PACKAGE in caught.value.message
    assert "pip install '.[report]'" in caught.value.remedy
    assert "/opt/stackstorm/virtualenvs/gerrit/bin/pip install" in caught.value.remedy


def test_remedy_is_the_extra() -> None:
    """What the message says to install is what the package declares, and tests use."""
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = re.search(r"'(vl-convert-python[^']+)'", vega.REMEDY)

    assert wanted is not None
    assert f'report = ["{wanted.group(1)}"]' in declared
    assert wanted.group(1) in (ROOT / "requirements-sandbox.txt").read_text(encoding="utf-8")


def test_specification_is_left_as_it_was() -> None:
    """Making one ready changes nothing of it: JSON shows it too."""
    before = json.dumps([chart for _, chart in CHARTS])
    for _, chart in CHARTS:
        vega.ready(chart, 326)

    assert json.dumps([chart for _, chart in CHARTS]) == before
