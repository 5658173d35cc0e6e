"""The repairs that orquesta 1.2.0, the newest on PyPI, needs on Python 3.9 to 3.13.

Gone are ``fractions.gcd`` since 3.9 (networkx 1.11), ``collections.Mapping`` and its like since
3.10 (orquesta, jsonschema 2.6), flags amid a pattern since 3.11 (``orquesta.utils.parameters``),
and ``lib2to3`` since 3.13, of which networkx's export to GML only imports names.
"""

from __future__ import annotations

import collections.abc
import fractions
import importlib.util
import math
import re
import sys
import types

_ABSTRACT = ("Callable", "Iterable", "Mapping", "MutableMapping", "MutableSequence", "Sequence")

_GONE = {
    "lib2to3.pgen2.parse": "ParseError",
    "lib2to3.pgen2.tokenize": "TokenError",
    "lib2to3.refactor": "RefactoringTool",
}


def repair() -> None:
    """Make orquesta importable; may be called any number of times."""
    for name in _ABSTRACT:
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))
    if not hasattr(fractions, "gcd"):
        fractions.gcd = math.gcd  # type: ignore
    if "lib2to3" not in sys.modules and importlib.util.find_spec("lib2to3") is None:
        _offer_lib2to3()
    from orquesta.utils import parameters  # type: ignore[import-untyped] # noqa: PLC0415

    # Such flags held for the whole pattern, wherever in it they stood.
    bare = re.sub(r"\(\?[aimsx]+\)", "", parameters.REGEX_INLINE_PARAMS)
    parameters.REGEX_INLINE_PARAMS = "(?i)" + bare


def _offer_lib2to3() -> None:
    """Empty classes under the names that are imported; nothing here ever calls them."""
    for name in ("lib2to3", "lib2to3.pgen2"):
        sys.modules[name] = types.ModuleType(name)
    for name, kind in _GONE.items():
        sys.modules[name] = types.ModuleType(name)
        setattr(sys.modules[name], kind, type(kind, (Exception,), {}))
