"""Pieces of Vega-Lite specifications: https://vega.github.io/vega-lite/docs/ (version 5)."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Sequence

from reviewloop.insight.survival import Curve

Spec = Dict[str, Any]
Values = Sequence[Mapping[str, Any]]

QUANTITY, ORDER, NAME, TIME = "quantitative", "ordinal", "nominal", "temporal"
#: Points of a curve that are drawn at most, and digits of their numbers.
MOST_POINTS, DIGITS = 150, 4
SHARES = {"domain": [0, 1]}
PERCENT = {"format": "%"}
DATE = {"format": "%-d %b %Y"}


def chart(values: Values, **parts: Any) -> Spec:
    """A specification with its data."""
    return {"data": {"values": list(values)}, **parts}


def channel(field: str, kind: str, title: str, **more: Any) -> Dict[str, Any]:
    """A channel of an encoding, with the title of its axis or legend."""
    return {"field": field, "type": kind, "title": title, **more}


def share(field: str, title: str) -> Dict[str, Any]:
    """A channel for a share, from nothing to all."""
    return channel(field, QUANTITY, title, scale=SHARES, axis=PERCENT)


def curve_points(curve: Curve, until: float, **more: Any) -> List[Dict[str, Any]]:
    """A curve as points from 0 on, with its band, thinned to what a screen can show."""
    every = [one for one in curve.points if one.time <= until]
    step = max(1, -(-len(every) // MOST_POINTS))
    kept = [*every[::step], *every[-1:]] if every else []
    start = {"days": 0.0, "waiting": 1.0, "low": 1.0, "high": 1.0, **more}
    drawn = [start]
    for one in kept:
        drawn.append(
            {
                "days": round(one.time, DIGITS),
                "waiting": round(one.lasting, DIGITS),
                "low": _rounded(one.low, one.lasting),
                "high": _rounded(one.high, one.lasting),
                **more,
            }
        )
    end = min(until, curve.last)
    if drawn[-1]["days"] < end:
        drawn.append({**drawn[-1], "days": round(end, DIGITS)})
    return drawn


def curve_layers(promised: float, until: float) -> List[Spec]:
    """A step curve over its band, with a rule at the promise."""
    x = channel("days", QUANTITY, "working days", scale={"domain": [0, until]})
    return [
        {
            "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.25},
            "encoding": {"x": x, "y": share("low", "still waiting"), "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "line", "interpolate": "step-after"},
            "encoding": {"x": x, "y": share("waiting", "still waiting")},
        },
        {
            "mark": {"type": "rule", "strokeDash": [4, 4]},
            "encoding": {"x": {"datum": promised, "type": QUANTITY}},
        },
    ]


def ranges(values: Values, title: str, order: Iterable[str]) -> Spec:
    """Groups with a share each: a point over its band."""
    y = channel("group", NAME, title, sort=list(order))
    return chart(
        values,
        layer=[
            {
                "mark": {"type": "rule"},
                "encoding": {
                    "y": y,
                    "x": share("low", "over within the promise"),
                    "x2": {"field": "high"},
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 80},
                "encoding": {"y": y, "x": share("share", "over within the promise")},
            },
        ],
    )


def bars(values: Values, x: Mapping[str, Any], y: Mapping[str, Any], **more: Any) -> Spec:
    """Bars; ``color`` in ``more`` stacks them."""
    return chart(values, mark={"type": "bar"}, encoding={"x": x, "y": y, **more})


def _rounded(bound: Any, otherwise: float) -> float:
    return round(otherwise if bound is None else bound, DIGITS)
