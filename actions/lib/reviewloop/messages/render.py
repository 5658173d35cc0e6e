"""Comments on changes, tickets, and comments on tickets, rendered from the templates beside this
file.

A text comes from ``<purpose>.<format>.j2``. A file of that name in the operator's folder overrides
the pack's own. Whatever a template prints by ``{{ }}`` is made one line that the format
shows as it was and that calls on nobody: a template cannot forget it (``docs/templates.md``).
"""

from __future__ import annotations

import traceback
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, List, Mapping, Optional, Tuple

import jinja2
import jinja2.meta
import jinja2.nodes
import jinja2.sandbox

from reviewloop.errors import ConfigError
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.messages.subject import Subject

FOLDER = Path(__file__).parent / "templates"
KEY = "templates"
"""Where the configuration names the operator's folder."""

# Purposes that know nothing of the change, and what they are given instead. A ticket outlives what
# may be said of its change: it may have become private, or be gone.
_APART: Mapping[str, Tuple[str, ...]] = {
    "ticket_joined": ("number", "url", "how_text"),
    "ticket_over": ("how_text",),
    "ticket_gone": ("reason",),
}

# What rendering a template can end in, whatever is written in it.
FAULTS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
REMEDY = "Correct it, or take the file out of the folder: the pack's own text serves then."


class Shown(str):
    """Text that is ready for its format; everything else a template prints is escaped."""

    __slots__ = ()


def render(
    purpose: str,
    body_format: BodyFormat,
    subject: Optional[Subject] = None,
    folder: str = "",
    **more: Any,
) -> str:
    """The text of a purpose (a template's name) in a format, without its mark.

    Nothing is sent and nothing is kept here: whoever is refused can write again.

    :param subject: what it is about; ``ticket_joined``, ``ticket_over`` and ``ticket_gone`` take
        none, and get nothing of one.
    :param folder: whose templates go before the pack's own; "" for none.
    :param more: ``how_text`` for ``ticket_over``, ``reason`` (:class:`Gone`) for ``ticket_gone``;
        for ``ticket_joined`` ``how_text`` with ``number`` and ``url`` of the related change, both
        empty where it may not be named.
    :raises ConfigError: the folder is not there, or a template in it is at fault.
    :raises jinja2.TemplateNotFound: there is no such text in this format.
    """
    if purpose not in _APART and subject is None:
        raise ValueError(f"{purpose} is about a change, and none was given.")
    model = {} if purpose in _APART or subject is None else subject.model()
    model.update((name, one.value if isinstance(one, Enum) else one) for name, one in more.items())
    return render_template(f"{purpose}.{body_format.value}.j2", body_format, folder, model)


def render_template(
    name: str, body_format: BodyFormat, folder: str, model: Mapping[str, Any]
) -> str:
    """One template file as text. :raises ConfigError: the operator's file is at fault."""
    if folder:
        check_exists(folder)
    try:
        text = environment(body_format, folder).get_template(name).render(model).strip()
    except FAULTS as fault:
        place = _place(fault, folder, name)
        if not place:
            raise
        raise ConfigError(f"{KEY}: {place}: {_said(fault)}.", REMEDY) from fault
    if not text:
        raise ConfigError(f"{KEY}: {Path(folder) / name}: it makes an empty text.", REMEDY)
    return text


@lru_cache(maxsize=None)
def environment(body_format: BodyFormat, folder: str) -> jinja2.Environment:
    """Jinja's sandbox for one format; the operator's folder, if any, overrides the pack's own."""

    # Jinja's own escaping is HTML's only: `shown` escapes for the format at hand, in its place.
    def shown(value: Any) -> Shown:
        return value if isinstance(value, Shown) else Shown(fmt.value(str(value), body_format))

    made = jinja2.sandbox.ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader([folder, str(FOLDER)] if folder else [str(FOLDER)]),
        undefined=jinja2.StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        outside=shown,
        link=lambda url, label: Shown(fmt.link(str(url), str(label), body_format)),
        address=lambda url: Shown(fmt.address(str(url), body_format)),
    )
    return made


def check_exists(folder: str) -> None:
    """:raises ConfigError: there is no such folder where this action runs."""
    if not Path(folder).is_dir():
        raise ConfigError(
            f"{KEY}: there is no folder {folder!r} on this host.",
            "Create it wherever actions run, or take the key out: the pack's own texts serve then.",
        )


def _place(fault: BaseException, folder: str, name: str) -> str:
    """The file and line in the operator's folder where a fault is, "" where it is elsewhere."""
    spots: List[Tuple[str, Optional[int]]] = []
    if folder and (Path(folder) / name).is_file():
        spots.append((str(Path(folder) / name), None))
    # Jinja puts a template's file and line into the traceback.
    frames = traceback.extract_tb(fault.__traceback__)
    spots.extend((frame.filename, frame.lineno) for frame in frames if is_template(frame.filename))
    if isinstance(fault, jinja2.TemplateSyntaxError) and fault.filename:
        spots.append((fault.filename, fault.lineno))
    if not spots or not folder or Path(folder) not in Path(spots[-1][0]).parents:
        return ""
    file, line = spots[-1]
    return file if line is None else f"{file}, line {line}"


def is_template(filename: str) -> bool:
    """Whether a file is named like a template."""
    return filename.endswith(".j2")


def _said(fault: BaseException) -> str:
    if isinstance(fault, jinja2.TemplateNotFound):
        return f"there is no template {fault.name!r}"
    if isinstance(fault, UnicodeDecodeError):
        return "it is not written in UTF-8"
    text = fault.strerror if isinstance(fault, OSError) else str(fault)
    return fmt.title(text or type(fault).__name__).rstrip(".")
