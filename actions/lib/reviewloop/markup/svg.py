"""A small writer of SVG: elements, lines of text, and a picture with a title that is read out.

What comes of it is one well-formed element without script or anything from elsewhere. Whatever text
goes in, none of it ends up as markup.
"""

from __future__ import annotations

import re
from typing import Iterable, Mapping
from xml.sax.saxutils import escape, quoteattr

SANS = "'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif"
MONO = "'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
MONO_WIDTH = 0.602
"""Width of a character in ``MONO``, in sizes of the font; the widest of its fonts."""
# What XML 1.0 has no place for, not even escaped (https://www.w3.org/TR/xml/#charsets).
_NO_CHARACTER = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plain(text: str) -> str:
    """Text as the content of an element."""
    return escape(_NO_CHARACTER.sub("\ufffd", text))


def tag(name: str, attributes: Mapping[str, object], *inner: str) -> str:
    """An element; ``inner`` is markup already."""
    values = ((key, _NO_CHARACTER.sub("\ufffd", str(one))) for key, one in attributes.items())
    head = " ".join([name, *(f"{key}={quoteattr(value)}" for key, value in values)])
    return f"<{head}>{''.join(inner)}</{name}>" if inner else f"<{head}/>"


def words(
    x: float,
    y: float,
    content: str,
    looks: Mapping[str, object],
    size: int = 13,
    bold: bool = False,
    mono: bool = False,
) -> str:
    """One line of text; ``y`` is its base line, ``looks`` are attributes such as ``fill``."""
    attributes = {
        "x": x,
        "y": y,
        "xml:space": "preserve",
        "font-size": size,
        **looks,
        "font-family": MONO if mono else SANS,
        **({"font-weight": 600} if bold else {}),
    }
    return tag("text", attributes, plain(content))


def document(
    width: int,
    height: int,
    title: str,
    parts: Iterable[str],
    description: str = "",
    style: str = "",
    name: str = "picture",
) -> str:
    """A whole picture.

    :param title: read out where the picture cannot be seen.
    :param description: the same at length, "" for none.
    :param style: CSS for the classes of its elements.
    :param name: begins the ids, which differ where several pictures stand in one page.
    """
    head = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {width} {height}",
        "width": width,
        "height": height,
        "role": "img",
    }
    if not description:
        lines = [tag("title", {}, plain(title))]
    else:
        head["aria-labelledby"] = f"{name}-title {name}-desc"
        lines = [
            tag("title", {"id": f"{name}-title"}, plain(title)),
            tag("desc", {"id": f"{name}-desc"}, plain(description)),
        ]
    lines += [tag("style", {}, plain(style))] if style else []
    return tag("svg", head, "\n", "\n".join([*lines, *parts, ""])) + "\n"
