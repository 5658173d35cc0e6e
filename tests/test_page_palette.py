"""The colours of a page: readable on their paper, and apart for whoever sees fewer of them."""

from __future__ import annotations

import itertools
import math
from typing import List, Mapping, Sequence, Tuple

import pytest

from reviewloop.page import palette

Matrix = Sequence[Sequence[float]]

# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB.
SIGHTS: Mapping[str, Matrix] = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
SCHEMES = pytest.mark.parametrize("colours", [palette.LIGHT, palette.DARK], ids=["light", "dark"])


def linear(colour: str) -> List[float]:
    """Red, green and blue as light."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio."""
    lights = [
        sum(map(lambda a, b: a * b, (0.2126, 0.7152, 0.0722), linear(c))) for c in (one, other)
    ]
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def seen(colour: str, sight: Matrix) -> Tuple[float, ...]:
    """Where a colour lies in OKLab (https://bottosson.github.io/posts/oklab/)."""
    light = linear(colour)
    red, green, blue = (min(1, max(0, sum(a * b for a, b in zip(row, light)))) for row in sight)
    cones = [
        (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3),
        (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3),
        (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3),
    ]
    rows = (
        (0.2104542553, 0.7936177850, -0.0040720468),
        (1.9779984951, -2.4285922050, 0.4505937099),
        (0.0259040371, 0.7827717662, -0.8086757660),
    )
    return tuple(sum(a * b for a, b in zip(row, cones)) for row in rows)


@SCHEMES
def test_texts_and_marks_stand_out(colours: Mapping[str, str]) -> None:
    """Texts by 4.5:1 from paper and panel, marks by 3:1 from the paper."""
    for ground in ("paper", "panel"):
        for text in ("ink", "soft", "link"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for mark in (*palette.SERIES, "ramp", "line"):
        assert contrast(colours[mark], colours["paper"]) >= 3, mark


@SCHEMES
@pytest.mark.parametrize("sight", SIGHTS)
def test_series_stay_apart(colours: Mapping[str, str], sight: str) -> None:
    """Any two series differ plainly for people who lack one kind of cone, too."""
    places = {name: seen(colours[name], SIGHTS[sight]) for name in palette.SERIES}

    for one, other in itertools.combinations(places, 2):
        apart = math.sqrt(sum((a - b) ** 2 for a, b in zip(places[one], places[other])))
        assert apart > 0.13, (one, other)


def test_both_schemes_name_the_same_colours() -> None:
    """Whatever has a colour in one scheme has one in the other, and a stand-in's name is known."""
    assert list(palette.LIGHT) == list(palette.DARK)
    assert set(palette.STANDS_FOR.values()) <= set(palette.LIGHT)
    assert len(palette.STANDS_FOR) == len(palette.STAND_INS)


@pytest.mark.parametrize(
    ("colour", "opacity"),
    [("#fd0300", 0.08), ("rgb(253, 3, 255)", 1), ("rgb(253,3,51)", 0.264), ("#fd0200", None)],
)
def test_number_as_opacity(colour: str, opacity: float) -> None:
    """Colours between the lowest and the highest number become opacities; others do not."""
    assert palette.share(colour) == opacity
