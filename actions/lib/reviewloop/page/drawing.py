"""Drawings of Vega made fit for the page: named colours, ids of their own, and nothing else in it.

Only the elements and attributes below go into the page, whatever the drawing holds.
"""

from __future__ import annotations

import re
from typing import Dict, Mapping, Optional
from xml.etree import ElementTree as Tree

from reviewloop.page import palette

_PAINTED = ("fill", "stroke", "stop-color")
_SHAPES = frozenset({"svg", "g", "path", "line", "rect", "circle", "text", "tspan"})
_ELEMENTS = _SHAPES | {"defs", "clipPath", "linearGradient", "stop"}
_LENGTHS = frozenset({"x", "y", "dx", "dy", "cx", "cy", "r", "rx", "ry", "width", "height"})
_GEOMETRY = _LENGTHS | {"x1", "x2", "y1", "y2", "d", "transform"}
_LINES = frozenset(f"stroke-{name}" for name in ("width", "dasharray", "dashoffset", "linecap"))
_SEEN = frozenset({"opacity", "fill-opacity", "stroke-opacity", "stop-opacity", *_PAINTED})
_FONTS = frozenset({"text-anchor", "dominant-baseline", "font-size", "font-weight", "font-style"})
_OTHERS = frozenset({"viewBox", "id", "clip-path", "offset", "stroke-linejoin"})
_ATTRIBUTES = _GEOMETRY | _LINES | _SEEN | _FONTS | _OTHERS
_LONG = re.compile(r"-?\d+\.\d{2,}(?:e-?\d+)?")
_REFERENCE = re.compile(r"url\(#([\w-]+)\)")


def fit_for_page(drawing: str, prefix: str) -> str:
    """A drawing as an element of HTML.

    :param prefix: of the ids in it, so that no two drawings of a page share one.
    :raises ValueError: it is no SVG, or holds an element that no chart needs.
    """
    try:
        root = Tree.fromstring(drawing)  # noqa: S314 - of our own renderer, checked below
    except Tree.ParseError as err:
        raise ValueError(f"a drawing that is no XML: {err}") from err
    made = _element(root, prefix)
    if made is None:
        raise ValueError("a drawing of nothing")
    made.attrib.pop("height", None)  # as the width has it, which may be less on a small screen
    made.attrib.update({"aria-hidden": "true", "focusable": "false"})
    return Tree.tostring(made, encoding="unicode", short_empty_elements=True)


def _element(
    element: Tree.Element, prefix: str, *, is_shape: bool = False
) -> Optional[Tree.Element]:
    """The element with what it may have; None if it shows nothing.

    :param is_shape: it is the outline of a clip, and needs no colour.
    """
    name = element.tag.rpartition("}")[2]
    if name not in _ELEMENTS:
        raise ValueError(f"a drawing with <{name}>, which no chart needs")
    if element.get("display") == "none":
        return None
    made = Tree.Element(name, _attributes(element.attrib, prefix))
    made.text, made.tail = element.text, element.tail
    for child in element:
        kept = _element(child, prefix, is_shape=is_shape or name == "clipPath")
        if kept is not None and not _is_repeated(made, kept):
            made.append(kept)
    return None if not is_shape and _is_empty(made) else made


def _is_repeated(parent: Tree.Element, line: Tree.Element) -> bool:
    """Whether a line lies upon the one before: one is drawn for each row that a rule is given."""
    last = parent[-1] if len(parent) else None
    return (
        last is not None and (last.tag, line.tag) == ("line", "line") and last.attrib == line.attrib
    )


def _is_empty(element: Tree.Element) -> bool:
    if element.tag in ("g", "defs", "text"):
        return len(element) == 0 and not (element.text or "").strip()
    is_painted = any(element.get(name, "none") != "none" for name in ("fill", "stroke"))
    is_inherited = "fill" not in element.attrib and "stroke" not in element.attrib
    return element.tag == "path" and (not element.get("d") or is_inherited or not is_painted)


def _attributes(given: Mapping[str, str], prefix: str) -> Dict[str, str]:
    found: Dict[str, str] = {}
    for name, value in given.items():
        if name not in _ATTRIBUTES:
            continue
        if name == "id":
            found[name] = prefix + value
        elif name in _GEOMETRY:
            found[name] = _LONG.sub(_short, value)
        else:
            found[name] = _REFERENCE.sub(rf"url(#{prefix}\1)", value)
    for name in _PAINTED:
        if name in found:
            found.update(_paint(name, found))
    return found


def _paint(name: str, attributes: Dict[str, str]) -> Dict[str, str]:
    """A colour by its name; a number's colour as the opacity of one colour."""
    colour = attributes[name]
    part = palette.share(colour)
    if part is None:
        return {name: palette.variable(colour)}
    opacity = "stop-opacity" if name == "stop-color" else f"{name}-opacity"
    whole = part * float(attributes.get(opacity, "1"))
    return {name: "var(--ramp)", opacity: f"{whole:.3g}"}


def _short(number: re.Match[str]) -> str:
    """A hundredth of a pixel is enough."""
    text = f"{float(number.group(0)):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
