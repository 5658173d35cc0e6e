"""The colours of a page, light and dark, and how a chart is drawn so that both can be had of it.

A chart is drawn once, in colours that stand for names (:data:`STANDS_FOR`); the page's style sheet
says what a name is in either scheme. Numbers that a chart shows by colour are drawn between two
colours that differ in blue alone, and become the opacity of one (:func:`share`).
"""

from __future__ import annotations

import re
from typing import Mapping, Optional, Tuple

# Colour-blind safe: the six stay apart for people who lack one kind of cone, and each stands out
# from its paper by 3:1 at least (WCAG 1.4.11), the texts by 4.5:1. `tests/test_page_palette.py`
# computes both.
LIGHT: Mapping[str, str] = {
    "paper": "#ffffff",
    "ink": "#1b1f24",
    "soft": "#59636e",
    "grid": "#e1e5ea",
    "line": "#8a939d",
    "panel": "#f4f6f8",
    "link": "#0a58ca",
    "ramp": "#0b4f8a",
    "series-1": "#235c8d",
    "series-2": "#e8470a",
    "series-3": "#1f9a8a",
    "series-4": "#b94fe0",
    "series-5": "#604306",
    "series-6": "#20232d",
}
DARK: Mapping[str, str] = {
    "paper": "#14181d",
    "ink": "#e8ebee",
    "soft": "#a6b0ba",
    "grid": "#2c333b",
    "line": "#77818b",
    "panel": "#1d232a",
    "link": "#7cb7ff",
    "ramp": "#8cc4ff",
    "series-1": "#89c0fc",
    "series-2": "#fb4a12",
    "series-3": "#caffee",
    "series-4": "#b53ae6",
    "series-5": "#fdcb1a",
    "series-6": "#768c9f",
}
SERIES: Tuple[str, ...] = tuple(name for name in LIGHT if name.startswith("series-"))

# What Vega is given for a name, and what it writes into the drawing. Each is an odd colour: nothing
# is drawn in it by chance.
STAND_INS: Mapping[str, str] = {
    "paper": "#fe0201",
    "ink": "#fe0202",
    "soft": "#fe0203",
    "grid": "#fe0204",
    "line": "#fe0205",
    **{name: f"#fe01{number:02x}" for number, name in enumerate(SERIES, start=1)},
}
STANDS_FOR: Mapping[str, str] = {colour: name for name, colour in STAND_INS.items()}
LOW, HIGH = "#fd0300", "#fd03ff"
_FAINTEST = 0.08
"""Opacity of the lowest number: a cell that is there is seen."""
_BETWEEN = re.compile(r"rgb\(253, ?3, ?(\d{1,3})\)|#fd03([0-9a-f]{2})")


def variable(colour: str) -> str:
    """The name of the page's for a colour of a drawing; itself where it stands for none."""
    name = STANDS_FOR.get(colour)
    return colour if name is None else f"var(--{name})"


def share(colour: str) -> Optional[float]:
    """Where between the lowest and the highest number a colour is, as opacity; None for others."""
    found = _BETWEEN.fullmatch(colour)
    if found is None:
        return None
    blue = int(found.group(1)) if found.group(1) else int(found.group(2), 16)
    return round(_FAINTEST + (1 - _FAINTEST) * blue / 255, 3)


def style() -> str:
    """The two schemes as CSS variables; print takes the light one."""
    dark = "@media screen and (prefers-color-scheme:dark)"
    return f":root{{{_variables(LIGHT)}}}\n{dark}{{:root{{{_variables(DARK)}}}}}\n"


def _variables(colours: Mapping[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())
