"""The repairs that orquesta 1.2.0, the newest on PyPI, needs on Python 3.9 to 3.12.

Gone are ``fractions.gcd`` since 3.9 (networkx 1.11), ``collections.Mapping`` and its like since
3.10 (orquesta, jsonschema 2.6), flags amid a pattern since 3.11 (``orquesta.utils.parameters``).
"""

from __future__ import annotations

import collections.abc
import fractions
import math
import re

_ABSTRACT = ("Callable", "Iterable", "Mapping", "MutableMapping", "MutableSequence", "Sequence")


def repair() -> None:
    """Make orquesta importable; may be called any number of times."""
    for name in _ABSTRACT:
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))
    if not hasattr(fractions, "gcd"):
        fractions.gcd = math.gcd  # type: ignore
    from orquesta.utils import parameters  # type: ignore[import-untyped] # noqa: PLC0415

    # Such flags held for the whole pattern, wherever in it they stood.
    bare = re.sub(r"\(\?[aimsx]+\)", "", parameters.REGEX_INLINE_PARAMS)
    parameters.REGEX_INLINE_PARAMS = "(?i)" + bare
