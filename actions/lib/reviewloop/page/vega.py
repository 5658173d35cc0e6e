"""Vega-Lite specifications made ready to be drawn at a width, and drawn by ``vl-convert``.

``vl-convert-python`` holds Vega and Vega-Lite and needs no browser and no network
(https://github.com/vega/vl-convert). It is the extra ``report`` of this package, not a need of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional

from reviewloop.errors import ConfigError
from reviewloop.page.theme import config

if TYPE_CHECKING:
    from types import ModuleType

Spec = Mapping[str, Any]

VERSION = "5.21"
"""Of Vega-Lite."""
PACKAGE = "vl-convert-python"
REMEDY = (
    "From a checkout: pip install '.[report]'. For the action, on each host that runs actions: "
    f"/opt/stackstorm/virtualenvs/gerrit/bin/pip install '{PACKAGE}>=1.9,<2'. "
    "Numbers as JSON and CSV need none of it."
)
HEIGHT = 260
"""Of a chart whose vertical scale is continuous, in pixels."""
ROW_STEP = 22
"""From one row to the next of a chart that has rows, in pixels."""
ENTRY, LETTER = 40, 6.5
"""An entry of a legend: what its symbol and gap take, and each letter, in pixels."""
PANEL_HEIGHT, PANEL_LEAST, PANEL_EXTRA = 120, 190, 60
"""Small multiples: height, least width, and what axes and gaps add to a width, in pixels."""

_POSITIONS = ("x", "y")
_DISCRETE = ("nominal", "ordinal")
_FACETS = ("facet", "row", "column")


def draw(spec: Spec, width: int) -> str:
    """A specification as SVG, in the colours that :mod:`reviewloop.page.palette` stands in.

    Nothing is fetched: data must stand in the specification.

    :param width: of the whole picture, in pixels.
    :raises ConfigError: ``vl-convert-python`` is not installed.
    :raises ValueError: it is no Vega-Lite specification.
    """
    drawn: str = library().vegalite_to_svg(
        ready(spec, width), vl_version=VERSION, config=config(width), allowed_base_urls=[]
    )
    return drawn


def library() -> ModuleType:
    """What draws. :raises ConfigError: it is not installed."""
    try:
        import vl_convert  # noqa: PLC0415 - 33 MB that only charts need
    except ImportError as err:
        raise ConfigError(f"Charts need the Python package {PACKAGE}.", REMEDY) from err
    library: ModuleType = vl_convert
    return library


def ready(spec: Spec, width: int) -> Dict[str, Any]:
    """The specification with a size, and with what would differ from machine to machine fixed."""
    made = _with_config(_fixed(dict(spec)), "legend", columns=_legend_columns(spec, width))
    faceted = "facet" in made or any(name in made.get("encoding", {}) for name in _FACETS)
    return _panels(made, width) if faceted else _single(made, width)


def _single(spec: Dict[str, Any], width: int) -> Dict[str, Any]:
    rows = _channel(spec, "y").get("type") in _DISCRETE
    spec["width"] = width
    spec["height"] = {"step": ROW_STEP} if rows else HEIGHT
    spec["autosize"] = {"type": "fit-x" if rows else "fit", "contains": "padding"}
    return spec


def _panels(spec: Dict[str, Any], width: int) -> Dict[str, Any]:
    """Small multiples, as many beside each other as have room."""
    inner, encoding = spec.get("spec"), spec.get("encoding", {})
    facet = spec.get("facet") or encoding.get("facet") or encoding.get("column")
    columns = _panel_columns(spec, facet, width)
    if isinstance(inner, dict):
        spec["columns"] = columns
        sized = spec["spec"] = dict(inner)
    else:
        sized = spec
        if "facet" in encoding:
            spec["encoding"] = {**encoding, "facet": {**facet, "columns": columns}}
    room = (width - PANEL_EXTRA) // columns - PANEL_EXTRA // 2
    sized["width"], sized["height"] = room, PANEL_HEIGHT
    return _with_config(spec, "header", labelLimit=room)


def _panel_columns(spec: Spec, facet: Optional[Mapping[str, Any]], width: int) -> int:
    """No more than there are panels; one where they stand below each other anyway."""
    if facet is None or "field" not in facet:
        return 1
    values = spec.get("data", {}).get("values", ())
    panels = len({str(row.get(facet["field"])) for row in values})
    return max(1, min(panels, width // (PANEL_LEAST + PANEL_EXTRA)))


def _with_config(spec: Dict[str, Any], part: str, **more: Any) -> Dict[str, Any]:
    own = spec.get("config", {})
    spec["config"] = {**own, part: {**own.get(part, {}), **more}}
    return spec


def _legend_columns(spec: Spec, width: int) -> int:
    """How many entries of the legend stand beside each other: all are as wide as the longest."""
    channels = [_channel(spec, name) for name in ("color", "fill", "stroke")]
    fields = {one["field"] for one in channels if one.get("type") in _DISCRETE and "field" in one}
    values = spec.get("data", {}).get("values", ())
    longest = max((len(str(row.get(field, ""))) for row in values for field in fields), default=0)
    return max(1, int(width // (ENTRY + LETTER * longest)))


def _channel(spec: Spec, name: str) -> Mapping[str, Any]:
    """A channel of a chart that has a type, or that of the first of its layers; {} if none has."""
    channel: Mapping[str, Any] = spec.get("encoding", {}).get(name, {})
    if "type" in channel:
        return channel
    found = (_channel(layer, name) for layer in spec.get("layer", ()))
    return next((one for one in found if one), {})


def _fixed(spec: Dict[str, Any]) -> Dict[str, Any]:
    """Instants in UTC, whatever the machine's time zone; colours of numbers on a straight line.

    :raises ValueError: its data is elsewhere: the renderer would fetch it.
    """
    if "url" in (spec.get("data") or {}):
        raise ValueError("a chart whose data is not in it")
    for key in ("layer", "hconcat", "vconcat", "concat"):
        if key in spec:
            spec[key] = [_fixed(dict(one)) for one in spec[key]]
    if isinstance(spec.get("spec"), Mapping):
        spec["spec"] = _fixed(dict(spec["spec"]))
    if "encoding" in spec:
        spec["encoding"] = {name: _scaled(name, one) for name, one in spec["encoding"].items()}
    return spec


def _scaled(name: str, channel: Any) -> Any:
    if not isinstance(channel, Mapping) or channel.get("scale", {}) is None:
        return channel
    if channel.get("type") == "temporal" and name in _POSITIONS:
        return {**channel, "scale": {"type": "utc", **channel.get("scale", {})}}
    if channel.get("type") == "quantitative" and name in ("color", "fill", "stroke"):
        return {**channel, "scale": {"interpolate": "rgb", **channel.get("scale", {})}}
    return channel
