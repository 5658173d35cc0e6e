"""How the picture of a time line looks: colours for a light and for a dark page, and its signs."""

from __future__ import annotations

from typing import Iterator, Mapping

LIGHT: Mapping[str, str] = {
    "paper": "#ffffff",
    "shut": "#eef1f4",
    "line": "#8c959f",
    "ink": "#1f2328",
    "grey": "#59636e",
    "reviewers": "#0550ae",
    "owner": "#8250df",
    "submitter": "#116329",
    "red": "#cf222e",
    "paused": "#9a6700",
}
DARK: Mapping[str, str] = {
    "paper": "#0d1117",
    "shut": "#1c222b",
    "line": "#6e7681",
    "ink": "#e6edf3",
    "grey": "#9198a1",
    "reviewers": "#58a6ff",
    "owner": "#bc8cff",
    "submitter": "#3fb950",
    "red": "#ff7b72",
    "paused": "#d29922",
}
"""The colours of both themes, by class."""

# What the events are drawn as; the legend names those that there are.
SIGNS = {
    "upload": ("▲", "patch set"),
    "rebase": ("△", "rebase"),
    "review": ("●", "review"),
    "reply": ("○", "owner's answer"),
    "wip": ("◁", "in progress"),
    "ready": ("▷", "ready"),
    "abandoned": ("✕", "abandoned"),
    "restored": ("↺", "restored"),
    "moved": ("→", "moved"),
    "merged": ("■", "merged"),
    "vote_removed": ("⊘", "vote removed"),
}


def style() -> str:
    """The colours of the classes, the dark ones where the reader wants them."""
    light, dark = (" ".join(_rules(theme)) for theme in (LIGHT, DARK))
    return f"{light} @media (prefers-color-scheme: dark) {{ {dark} }}"


def _rules(theme: Mapping[str, str]) -> Iterator[str]:
    for name, colour in theme.items():
        yield f".{name} {{ fill: {colour}; }}"
        yield f".{name}-edge {{ stroke: {colour}; }}"
