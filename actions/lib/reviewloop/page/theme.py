"""How charts look: Vega-Lite's ``config`` (https://vega.github.io/vega-lite/docs/config.html)."""

from __future__ import annotations

from typing import Any, Dict

from reviewloop.page.palette import HIGH, LOW, SERIES, STAND_INS

FONT = "Liberation Sans"
"""By whose widths texts are placed: vl-convert holds it, and Arial is as wide."""
_PER_TICK = 90
"""Pixels of a picture for each number on an axis."""
_LONGEST = 220
_NARROW = 500


def config(width: int) -> Dict[str, Any]:
    """The theme for a picture.

    :param width: of the picture, in pixels.
    """
    return {
        "aria": False,
        "background": None,
        "font": FONT,
        "padding": {"left": 2, "right": 10, "top": 5, "bottom": 5},
        "view": {"stroke": None},
        "range": {
            "category": [STAND_INS[name] for name in SERIES],
            **{name: [LOW, HIGH] for name in ("heatmap", "ramp", "ordinal")},
        },
        **_guides(width),
        **_marks(),
    }


def _guides(width: int) -> Dict[str, Any]:
    """Axes, legends and headings."""
    soft, ink, line = STAND_INS["soft"], STAND_INS["ink"], STAND_INS["line"]
    text = {"labelColor": soft, "labelFontSize": 12, "titleColor": ink, "titleFontSize": 12}
    text["titleFontWeight"] = "normal"
    apart = {"labelOverlap": "parity", "labelSeparation": 6}
    ticks = {**apart, "tickCount": max(4, width // _PER_TICK)}
    return {
        "axis": {
            **text,
            "gridColor": STAND_INS["grid"],
            "domainColor": line,
            "tickColor": line,
            "labelLimit": _LONGEST if width > _NARROW else width // 3,
            "titlePadding": 8,
        },
        "axisXQuantitative": ticks,
        "axisXTemporal": ticks,
        "axisYQuantitative": {"tickCount": 5},
        "axisXBand": {**apart, "labelAngle": 0},
        "axisXPoint": {**apart, "labelAngle": 0},
        "legend": {
            **text,
            "orient": "top",
            "labelLimit": width - 60,
            "symbolSize": 120,
            "gradientStrokeColor": line,
        },
        "header": {**text, "title": None, "labelFontWeight": "bold", "labelColor": ink},
        "headerRow": {"labelAngle": 0, "labelOrient": "top", "labelAnchor": "start"},
        "title": {"color": ink, "fontSize": 13, "anchor": "start"},
    }


def _marks() -> Dict[str, Any]:
    """What shows the numbers. A rectangle without a colour of its own shades what lies under it."""
    first, soft = STAND_INS["series-1"], STAND_INS["soft"]
    filled, drawn = {"fill": first}, {"stroke": first, "strokeWidth": 2}
    return {
        "mark": {"color": first},
        "area": {**filled, "line": False},
        "bar": filled,
        "rect": {"fill": soft},
        "arc": {**filled, "stroke": STAND_INS["paper"]},
        "line": drawn,
        "trail": filled,
        "point": {"stroke": first, "filled": False, "size": 50},
        "circle": filled,
        "square": filled,
        "tick": {"stroke": first},
        "rule": {"stroke": soft},
        "text": {"fill": STAND_INS["ink"], "fontSize": 12},
    }
