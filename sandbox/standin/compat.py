"""The repairs that orquesta 1.2.0, the newest on PyPI, needs on Python 3.10 to 3.12.

StackStorm runs a later orquesta from git, which needs none of them. Call :func:`repair` before
anything imports ``orquesta``, ``networkx`` or ``jsonschema``; it may be called any number of times
and does nothing on Pythons that need nothing.

==================== ============================================ ========================
what                 who still uses it                            gone since
==================== ============================================ ========================
``collections.X``    orquesta, jsonschema 2.6                     Python 3.10
``fractions.gcd``    networkx 1.11 (orquesta wants < 2.0)         Python 3.9
``re`` flags inside  orquesta.utils.parameters                    Python 3.11: error
==================== ============================================ ========================
"""

from __future__ import annotations

import collections
import collections.abc
import fractions
import math
import re
from typing import Any

_ABSTRACT = ("Callable", "Iterable", "Mapping", "MutableMapping", "MutableSequence", "Sequence")
_FLAGS = re.compile(r"\(\?([aimsx]+)\)")


def repair() -> None:
    """Make orquesta 1.2.0 importable on this Python, and import the one module that needs help."""
    for name in _ABSTRACT:
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))
    if not hasattr(fractions, "gcd"):
        fractions.gcd = math.gcd  # type: ignore
    _move_flags_to_front()


def _move_flags_to_front() -> None:
    """Let ``k=(…|(?i)true|…)`` compile: such flags were global wherever they stood, until 3.11."""
    from orquesta.utils import parameters  # type: ignore[import-untyped] # noqa: PLC0415

    pattern: Any = parameters.REGEX_INLINE_PARAMS
    if _FLAGS.search(pattern):
        parameters.REGEX_INLINE_PARAMS = "(?i)" + _FLAGS.sub("", pattern)
