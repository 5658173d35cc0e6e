"""Parts of a report with a chart of each kind that reports have."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from reviewloop.insight.sections import Cell, Section, Table

HOSTILE = "tools/</style><script>alert(1)</script>&\"'<img src=x onerror=alert(2)>"
LONG = "platform/vendor/a-very-long-name/of-a-project/that-nobody/wants-to-type"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

Spec = Mapping[str, Any]


def part(
    name: str, chart: Optional[Spec] = None, rows: Sequence[Sequence[Cell]] = ((1, 0.25),)
) -> Section:
    """A section that is filled as little as it may be."""
    title = name.replace("-", " ").capitalize()
    columns = [f"Column {number}" for number, _ in enumerate(rows[0], start=1)]
    lead = f"Half of {title.lower()} took 1.9 working days or less."
    return Section(name, title, lead, Table(columns, rows), chart, "Freezes are left out.")


def of(values: Sequence[Mapping[str, Any]], **more: Any) -> Dict[str, Any]:
    """A specification with its data inline."""
    return {"data": {"values": list(values)}, **more}


def field(name: str, kind: str, title: str = "", **more: Any) -> Dict[str, Any]:
    """A channel of an encoding."""
    return {"field": name, "type": kind, "title": title or None, **more}


def curve(project: str = "") -> List[Dict[str, Any]]:
    """Points of a curve that falls, with its band."""
    points = []
    for day in range(21):
        at = 0.85**day
        band = {"low": max(0.0, at - 0.08), "high": min(1.0, at + 0.08)}
        points.append({"day": day, "waiting": at, "project": project, **band})
    return points


def survival() -> Spec:
    """A step curve over its band."""
    x = field("day", "quantitative", "working days")
    low, high = field("low", "quantitative", "share that waits"), {"field": "high"}
    band = {"mark": {"type": "area", "interpolate": "step-after", "opacity": 0.2}}
    line = {"mark": {"type": "line", "interpolate": "step-after"}}
    return of(
        curve(),
        layer=[
            {**band, "encoding": {"x": x, "y": low, "y2": high}},
            {**line, "encoding": {"x": x, "y": field("waiting", "quantitative")}},
        ],
    )


def panels(names: Sequence[str]) -> Spec:
    """The same as small multiples."""
    encoding = {
        "x": field("day", "quantitative", "working days"),
        "y": field("waiting", "quantitative", "share"),
    }
    return of(
        [point for name in names for point in curve(name)],
        facet=field("project", "nominal"),
        spec={"mark": "line", "encoding": encoding},
    )


def weeks() -> Spec:
    """A line by week, with a freeze shaded and a promise as a rule."""
    values = [
        {"week": f"2026-{month:02}-{day:02}", "share": 0.6 + (day % 7) / 20}
        for month in range(1, 7)
        for day in (5, 12, 19, 26)
    ]
    freeze = [{"from": "2026-03-10", "to": "2026-03-24"}]
    dates = field("week", "temporal")
    return of(
        values,
        layer=[
            {
                "data": {"values": freeze},
                "mark": {"type": "rect", "opacity": 0.15},
                "encoding": {"x": field("from", "temporal"), "x2": {"field": "to"}},
            },
            {
                "mark": {"type": "line", "point": True},
                "encoding": {"x": dates, "y": field("share", "quantitative", "within the promise")},
            },
            {
                "data": {"values": [{"promise": 0.8}]},
                "mark": {"type": "rule", "strokeDash": [4, 4]},
                "encoding": {"y": field("promise", "quantitative")},
            },
        ],
    )


def stacked() -> Spec:
    """Bars by whose turn it is."""
    turns = ("reviewers", "owner", "submitter", "CI", "author", "nobody")
    values = [
        {"age": age, "turn": turn, "open": 3 + number * 2 + at}
        for at, age in enumerate(("under 1d", "1d to 2d", "2d to 5d", "5d to 10d", "over 10d"))
        for number, turn in enumerate(turns)
    ]
    return of(
        values,
        mark="bar",
        encoding={
            "x": field("open", "quantitative", "open changes"),
            "y": field("age", "ordinal", sort=None),
            "color": field("turn", "nominal", sort=None),
        },
    )


def bars(names: Sequence[str]) -> Spec:
    """A bar for each name."""
    return of(
        [{"name": name, "count": 5 + at} for at, name in enumerate(names)],
        mark="bar",
        encoding={
            "x": field("count", "quantitative", "changes"),
            "y": field("name", "nominal", sort="-x"),
        },
    )


def hours() -> Spec:
    """Hour by weekday: numbers as colours."""
    values = [
        {"hour": hour, "day": day, "reviews": max(0, (12 - abs(13 - hour)) * (6 - at))}
        for hour in range(24)
        for at, day in enumerate(DAYS)
    ]
    return of(
        values,
        mark="rect",
        encoding={
            "x": field("hour", "ordinal", "hour", axis={"labelAngle": 0}),
            "y": field("day", "ordinal", sort=list(DAYS)),
            "color": field("reviews", "quantitative", "reviews"),
        },
    )


def dots() -> Spec:
    """Points beside the line on which they ought to lie."""
    values = [{"said": at / 10, "was": at / 10 + 0.02} for at in range(1, 10)]
    return of(
        values,
        layer=[
            {
                "mark": {"type": "rule", "strokeDash": [4, 4]},
                "data": {"values": [{"a": 0, "b": 1}]},
                "encoding": {
                    "x": field("a", "quantitative"),
                    "x2": {"field": "b"},
                    "y": field("a", "quantitative"),
                    "y2": {"field": "b"},
                },
            },
            {
                "mark": "point",
                "encoding": {
                    "x": field("said", "quantitative", "said"),
                    "y": field("was", "quantitative", "was"),
                },
            },
        ],
    )


NAMES = ("zuul", HOSTILE, LONG, "nodepool", "Größe & Maß", "{{ 7 * 7 }} <% 7 %>")

CHARTS: Tuple[Tuple[str, Spec], ...] = (
    ("survival", survival()),
    ("projects", panels(NAMES)),
    ("weeks", weeks()),
    ("backlog", stacked()),
    ("names", bars(NAMES)),
    ("hours", hours()),
    ("calibration", dots()),
)


def sections() -> Tuple[Section, ...]:
    """One of each chart, and one without."""
    rows = [(name, 12345 + at, 0.123456 * at, None) for at, name in enumerate(NAMES)]
    drawn = [part(name, chart, rows) for name, chart in CHARTS]
    return (*drawn, part("definitions", None, rows))
